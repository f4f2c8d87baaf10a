package build

// Event is one piece of progress. Whoever shows it may drop any of them but those that end a stage.
type Event struct {
	Stage string `json:"stage"`          // "lock", "base", "download", "bytecode", "layers", "write", "push"
	Item  string `json:"item,omitempty"` // what of it: a file, a package, a layer
	Done  int64  `json:"done,omitempty"` // so far, in Unit
	Total int64  `json:"total,omitempty"`
	Unit  string `json:"unit,omitempty"` // "B" for bytes, "" for things
	Text  string `json:"text,omitempty"` // a sentence for a person; set when the stage ends, or for a notice
	Ended bool   `json:"ended,omitempty"`
	Level string `json:"level,omitempty"` // "warning" for what the user should read, else empty
}
