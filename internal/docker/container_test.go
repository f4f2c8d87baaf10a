package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"
)

// frame is a piece of output as engines send it.
func frame(stream byte, text string) []byte {
	header := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
	return append(header, text...)
}

func TestCopy(t *testing.T) {
	all := bytes.Join([][]byte{frame(1, "out"), frame(2, "err"), frame(1, ""), frame(1, "more")}, nil)
	for name, test := range map[string]struct {
		sent     []byte
		out, err string
		fails    bool
	}{
		"both streams":      {all, "outmore", "err", false},
		"nothing":           {nil, "", "", false},
		"cut in a header":   {all[:len(all)-6], "out", "err", true},
		"cut in a piece":    {all[:len(all)-1], "outmor", "err", true},
		"more than can be":  {[]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, "", "", true},
		"an unknown stream": {frame(9, "x"), "x", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			s := &Streams{from: bufio.NewReader(bytes.NewReader(test.sent))}
			if err := s.Copy(&out, &errs); (err != nil) != test.fails || out.String() != test.out || errs.String() != test.err {
				t.Errorf("%q, %q, error %v", out.String(), errs.String(), err)
			}
		})
	}
}

// Whatever an engine sends, no more comes out than went in.
func FuzzCopy(f *testing.F) {
	f.Add(bytes.Join([][]byte{frame(1, "out"), frame(2, "err")}, nil))
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, sent []byte) {
		var out, errs bytes.Buffer
		s := &Streams{from: bufio.NewReader(bytes.NewReader(sent))}
		if err := s.Copy(&out, &errs); err == nil && out.Len()+errs.Len() > len(sent) {
			t.Errorf("%d bytes of %d", out.Len()+errs.Len(), len(sent))
		}
	})
}
