package base

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
)

// Answer is what one suite of the default base says of itself.
type Answer struct {
	Suite string
	URL   string    // of the archive
	Date  time.Time // of the index
	Err   error     // it cannot be fetched, is not signed as it should be, or no longer holds
}

// Ask fetches the signed index of each suite that the default base is made of, and checks it as Resolve does. Nothing
// else is downloaded.
func Ask(ctx context.Context, client *fetch.Client, opt Options) []Answer {
	var answers []Answer
	for _, src := range suites[0].indexes() {
		reader := &suiteReader{client: client, opt: opt, source: src}
		release, err := reader.open(ctx)
		answers = append(answers, Answer{Suite: src.suite, URL: opt.mirror(src.archive), Date: release.Date, Err: err})
	}
	return answers
}

// Now asks a mirror what time it is: the Date of its answer for the suite itself, and how long a cache on the way has had
// it (RFC 9111, 5.1).
func Now(ctx context.Context, client *fetch.Client, opt Options) (time.Time, error) {
	reader := &suiteReader{client: client, opt: opt, source: suites[0].indexes()[0]}
	_, _, header, err := client.Document(ctx, reader.url("InRelease"), nil, maxInRelease)
	if err != nil {
		return time.Time{}, err
	}
	age, _ := strconv.ParseUint(header.Get("Age"), 10, 31) // 0 for an answer that no cache had
	date, err := http.ParseTime(header.Get("Date"))
	return date.Add(time.Duration(age) * time.Second), err
}
