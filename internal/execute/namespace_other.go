//go:build !linux

package execute

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// errNotLinux says that this system has no Linux namespaces.
var errNotLinux = errors.New("needs Linux")

// Init does nothing where there are no namespaces.
func Init() {}

// Namespace is the executor of Linux namespaces, which this system lacks.
type Namespace struct{}

// Name returns "namespace".
func (Namespace) Name() string { return "namespace" }

// Run fails.
func (Namespace) Run(context.Context, string, Command) (int, error) {
	return -1, probeNamespace(context.Background())
}

func probeNamespace(context.Context) error {
	return fmt.Errorf("%w, this is %s", errNotLinux, runtime.GOOS)
}
