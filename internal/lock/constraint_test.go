package lock

import (
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/version"
)

func TestParseConstraint(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"*":                      "",
		"^1.2.3":                 ">=1.2.3,<2",
		"^0.2.3":                 ">=0.2.3,<0.3",
		"^0.0.3":                 ">=0.0.3,<0.0.4",
		"^0.0":                   ">=0.0,<0.1",
		"^0":                     ">=0,<1",
		"^v1.7.0":                ">=1.7.0,<2",
		"^1!2.3":                 ">=1!2.3,<1!3",
		"^1.0a1":                 ">=1.0a1,<2",
		"~1.2.3":                 ">=1.2.3,<1.3",
		"~1.2":                   ">=1.2,<1.3",
		"~1":                     ">=1,<2",
		"~=1.4":                  "~=1.4",
		"1.0":                    "==1.0",
		"=1.0":                   "==1.0",
		"1.*":                    "==1.*",
		"1.x":                    "==1.*",
		"!=1.2.*":                "!=1.2.*",
		">=3.6.*":                ">=3.6",
		">= 1.0 , < 2.0":         ">=1.0,<2.0",
		">=1.0 <2.0":             ">=1.0,<2.0",
		"^1.0 || ^2.0":           ">=1.0,<2 || >=2.0,<3",
		"~2.7|^3.6":              ">=2.7,<2.8 || >=3.6,<4",
		"^1 || *":                "",
		">=2.7, !=3.0.*,!=3.1.*": ">=2.7,!=3.0.*,!=3.1.*",
		"^3.12,<3.14":            ">=3.12,<4,<3.14",
	} {
		t.Run(in, func(t *testing.T) {
			got, err := parseConstraint(in)
			if err != nil || got.String() != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestParseConstraintRefuses(t *testing.T) {
	for _, in := range []string{"^", "^x.y", "~abc", ">=1.0,nonsense", "<>1", "^1.0 || nonsense", strings.Repeat("1", 5000)} {
		if got, err := parseConstraint(in); err == nil {
			t.Errorf("%.20q is accepted as %q", in, got)
		}
	}
}

func TestConstraintContains(t *testing.T) {
	for _, tt := range []struct {
		constraint, version string
		want                bool
	}{
		{"^1.2", "1.9.9", true}, {"^1.2", "2.0.0", false}, {"^1.2", "2.0.0rc1", false}, {"^1.2", "1.3a1", true},
		{"^1 || ^3", "2.0", false}, {"^1 || ^3", "3.1", true}, {"*", "0.0.1.dev1", true}, {"1.0", "1.0+cpu", true},
	} {
		c, err := parseConstraint(tt.constraint)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Contains(version.MustParse(tt.version), true); got != tt.want {
			t.Errorf("%s contains %s: %v, want %v", tt.constraint, tt.version, got, tt.want)
		}
	}
}
