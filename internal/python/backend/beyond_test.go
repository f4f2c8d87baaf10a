package backend_test

import (
	"errors"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/backend"
)

func TestBeyond(t *testing.T) {
	problems := func(codes ...string) error {
		var l diag.List
		for _, code := range codes {
			l.Add(&diag.Error{Code: code, What: code})
		}
		return l.Err()
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("disk"), false}, {backend.ErrNoModule, false}, {problems("bad-backend-value"), false},
		{problems("dynamic-setup-py"), true}, {problems("unsupported-backend-release", "dynamic-metadata"), true},
		{problems("unsupported-backend-key", "bad-backend-value"), false}, {problems("unsupported-backend"), true},
	} {
		if got := backend.Beyond(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}
