package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// addTest decides what tests the project: the configuration, else a runner that the image has, else the standard library's
// where there are tests for it. Only an image with the sources has something to test, so others do not mention it.
func (in *surroundings) addTest(e *EntryPoint) {
	command, reason, pos := in.test()
	if command == nil {
		return
	}
	e.Test = command
	if in.target.Sources {
		e.Evidence = append(e.Evidence, evidence("test", command, reason, pos, "test")...)
	}
}

func (in *surroundings) test() (command []string, reason string, pos diag.Position) {
	if pos, ok := in.target.Position("test"); ok {
		return in.target.Test, "the configuration says so", pos
	}
	manage := in.manageTest()
	pytest, hasPytest := in.Locked["pytest"]
	switch {
	case hasPytest && (manage == "" || in.has("pytest-django")):
		// Its cache belongs where the image can be written to.
		return []string{venvPython, "-m", "pytest", "-o", "cache_dir=/tmp/.pytest_cache"}, "pytest is locked", pytest.Pos
	case manage != "":
		return []string{venvPython, "/app/" + manage, "test"}, "manage.py runs the tests of Django", in.appPosition(manage, 1)
	}
	for _, e := range in.App {
		name := strings.TrimPrefix(e.Path, "app/")
		if base := path.Base(name); strings.HasPrefix(base, "test") && strings.HasSuffix(base, ".py") {
			return []string{venvPython, "-m", "unittest", "discover", "--start-directory", unittestRoot(name)},
				fmt.Sprintf("%s is a test, and pytest is not locked", name), in.appPosition(name, 1)
		}
	}
	return nil, "", diag.Position{}
}

// manageTest returns the manage.py of /app, "" where there is none or no Django.
func (in *surroundings) manageTest() string {
	if !in.has("django") {
		return ""
	}
	for _, name := range []string{"manage.py", "src/manage.py"} {
		if _, ok := in.inApp(name); ok {
			return name
		}
	}
	return ""
}

// unittestRoot returns where unittest looks: the folder of tests, since it goes into no folder that is not a package.
func unittestRoot(test string) string {
	if dir, _, ok := strings.Cut(test, "/"); ok && slices.Contains([]string{"tests", "test"}, dir) {
		return dir
	}
	return "."
}
