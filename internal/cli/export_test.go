package cli

import "github.com/spf13/cobra"

// Commands returns the tree of commands, for tests that hold the documentation against it.
func Commands() *cobra.Command {
	root := (&app{sys: System{Getenv: func(string) string { return "" }}}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// Metadata is what --metadata-file writes.
type Metadata = metadata

// CacheList and CachePruned are what the commands below cache print as JSON.
type (
	CacheList   = cacheList
	CachePruned = cachePruned
)
