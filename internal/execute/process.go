package execute

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// Process is what an image's configuration says about its process, in the words of the OCI image specification.
type Process struct {
	Entrypoint []string
	Cmd        []string
	Env        []string
	User       string // "65532:65532"; "" means DefaultUser
	WorkingDir string
}

// Command returns the command of an image. Arguments take the place of Cmd, as docker run has it. Streams, signals
// and network are the caller's to add.
func (p Process) Command(args []string) (Command, error) {
	if len(args) == 0 {
		args = p.Cmd
	}
	uid, gid, err := parseUser(p.User)
	if err != nil {
		return Command{}, err
	}
	c := Command{Args: slices.Concat(p.Entrypoint, args), Env: slices.Clone(p.Env), Dir: p.WorkingDir, UID: uid, GID: gid}
	if len(c.Args) == 0 {
		return Command{}, ErrNoCommand
	}
	return c, nil
}

// parseUser reads "uid" or "uid:gid"; as in Docker, a missing gid is 0. Names would need the image's passwd file, and
// uid 0 is what lithe never runs.
func parseUser(user string) (uid, gid int, err error) {
	if user == "" {
		return DefaultUser, DefaultUser, nil
	}
	first, second, hasGroup := strings.Cut(user, ":")
	u, err := strconv.ParseUint(first, 10, 31)
	var g uint64
	if err == nil && hasGroup {
		g, err = strconv.ParseUint(second, 10, 31)
	}
	if err != nil || u == 0 {
		return 0, 0, &diag.Error{Code: "sandbox-user", What: fmt.Sprintf("the sandbox cannot run as user %q", user),
			Hint: "set `user` to numbers other than 0, such as \"65532:65532\""}
	}
	return int(u), int(g), nil
}
