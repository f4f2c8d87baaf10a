package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/store"
)

// storeAge lets time pass for the store.
func storeAge(ts *testscript.TestScript, neg bool, args []string) {
	days, err := strconv.Atoi(strings.Join(args, " "))
	ts.Check(err)
	s, err := store.Open(ts.Getenv("LITHE_STORE"))
	ts.Check(err)
	usage, err := s.Usage(context.Background())
	ts.Check(err)
	when := time.Now().AddDate(0, 0, -days)
	for _, o := range usage.Objects {
		ts.Check(os.Chtimes(filepath.Join(s.Path(), o.Path), when, when))
	}
}
