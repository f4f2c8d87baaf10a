package toml

import (
	"errors"
	"math"
	"strconv"
	"strings"

	gotoml "github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// The low-level parser only delimits numbers and times; these functions check and convert them.

// maxScalar is the longest number or time. The longest that means something has some forty characters.
const maxScalar = 200

var (
	errLongScalar = errors.New("a number or time of more than 200 characters")
	errIntRange   = errors.New("an integer that does not fit into 64 bits")
)

// scalar converts a token of a kind that the parser has told from its first bytes.
func scalar(kind unstable.Kind, raw []byte) (any, error) {
	switch kind {
	case unstable.Bool:
		return raw[0] == 't', nil
	case unstable.Integer:
		return integer(raw)
	case unstable.Float:
		return float(raw)
	default:
		return decode(raw)
	}
}

// integer converts without the general decoder what has at most 18 plain digits: sizes, revisions, versions.
func integer(raw []byte) (any, error) {
	if len(raw) > maxScalar {
		return nil, errLongScalar
	}
	if len(raw) > 18 || len(raw) > 1 && raw[0] == '0' {
		return decode(raw)
	}
	var n int64
	for _, c := range raw {
		if c < '0' || c > '9' {
			return decode(raw)
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// float converts by itself, since the decoder refuses what overflows; the specification leaves it to IEEE 754.
func float(raw []byte) (any, error) {
	f, err := decode(raw)
	if err == nil {
		return f, nil
	}
	text := strings.ReplaceAll(string(raw[:min(len(raw), maxScalar)]), "_", "")
	if f, parseErr := strconv.ParseFloat(text, 64); errors.Is(parseErr, strconv.ErrRange) && math.IsInf(f, 0) {
		return f, nil
	}
	return nil, err
}

// decode asks the strict decoder for one value.
func decode(raw []byte) (any, error) {
	if len(raw) > maxScalar {
		return nil, errLongScalar
	}
	var doc struct{ X any }
	if err := gotoml.Unmarshal(append([]byte("X="), raw...), &doc); err != nil {
		if strings.Contains(err.Error(), "too large") || strings.Contains(err.Error(), "out of range") {
			return nil, errIntRange
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	switch doc.X.(type) {
	case int64, float64:
		return doc.X, nil
	default:
		return Time(raw), nil
	}
}
