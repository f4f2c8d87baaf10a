package base

import (
	"crypto/md5"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// statusDir is where vulnerability scanners look for the packages of images without dpkg, one file a package. The
// layout is distroless': https://github.com/GoogleContainerTools/distroless/blob/main/PACKAGE_METADATA.md.
const statusDir = "var/lib/dpkg/status.d"

// database returns what scanners read of a package: its control file, and the MD5 of every file that the image has of
// it. dpkg's format knows no other hash; nothing here trusts it.
func database(name, control string, files []entry.Entry) ([]entry.Entry, error) {
	sums, err := md5sums(files)
	if err != nil {
		return nil, err
	}
	return []entry.Entry{
		entry.NewFile(statusDir+"/"+name, []byte(strings.TrimRight(control, "\n")+"\n"), false),
		entry.NewFile(statusDir+"/"+name+".md5sums", sums, false),
	}, nil
}

func md5sums(files []entry.Entry) ([]byte, error) {
	var lines []string
	for _, e := range files {
		if e.Type != entry.File {
			continue
		}
		r, err := e.Content.Open()
		if err != nil {
			return nil, err
		}
		sum := md5.New()
		_, err = io.Copy(sum, r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sum.Sum(nil), e.Path))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[md5.Size*2:], b[md5.Size*2:]) })
	return []byte(strings.Join(lines, "")), nil
}
