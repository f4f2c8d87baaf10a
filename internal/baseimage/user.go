package baseimage

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// user returns the numbers of the config's user, as an engine finds them: names in the image's passwd and group, and
// group 0 for a number that passwd does not have. It returns "" for root, and for a name that nobody can tell.
func user(ctx context.Context, t *tree, wanted string) (string, error) {
	name, group, grouped := strings.Cut(wanted, ":")
	if name == "" {
		return "", nil
	}
	passwd, err := t.table(ctx, "/etc/passwd")
	if err != nil {
		return "", err
	}
	uid, gid := name, "0"
	if row := find(passwd, name, 7); row != nil {
		uid, gid = row[2], row[3]
	}
	if grouped {
		groups, err := t.table(ctx, "/etc/group")
		if err != nil {
			return "", err
		}
		gid = group
		if row := find(groups, group, 4); row != nil {
			gid = row[2]
		}
	}
	if !number(uid) || !number(gid) || strings.Trim(uid, "0") == "" {
		return "", nil
	}
	return uid + ":" + gid, nil
}

// find returns the row of a name, or of a number.
func find(rows [][]string, name string, fields int) []string {
	for _, column := range []int{0, 2} {
		for _, row := range rows {
			if len(row) >= fields && row[column] == name {
				return row
			}
		}
	}
	return nil
}

// number reports a user or group id.
func number(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil && s[0] != '+'
}

// minFields is how many fields a row of group has; one of passwd has more.
const minFields = 4

// table reads passwd or group. An image without one has no names.
func (t *tree) table(ctx context.Context, name string) ([][]string, error) {
	data, err := t.contents(ctx, name, maxTables)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, nil
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if row := strings.Split(strings.TrimSuffix(line, "\n"), ":"); len(row) >= minFields {
			rows = append(rows, row)
		}
	}
	return rows, err
}
