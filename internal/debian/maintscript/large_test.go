package maintscript

import (
	"fmt"
	"strings"
	"testing"
)

// TestLargeScriptsEnd follows scripts whose words stand for much more than they say, or whose parts are as long as a script may
// be. Each would take more time or memory than there is.
func TestLargeScriptsEnd(t *testing.T) {
	files := image{"/usr/share/thing/", "/usr/lib/sysusers.d/thing.conf"}
	whole := func(line string) string { return strings.Repeat(line, (maxScript-100)/len(line)) }
	many := func(line string) string { return whole(line)[:maxScript/8/len(line)*len(line)] }
	var variables strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&variables, "a%d=1 ", i)
	}
	for name, script := range map[string]string{
		"twice itself":      "x=aaaaaaaa\n" + strings.Repeat("x=$x$x\n", 60),
		"arguments":         "f() { f \"$@\" \"$@\"; }\nf a b c\n",
		"arguments as text": "f() { for i in $*; do f $* $*; done; }\nf a b c\n",
		"one word":          ": " + whole("a") + "\n",
		"a quoted word":     ": \"" + whole("a") + "\"\n",
		"continued lines":   ": " + whole("a\\\n") + "\n",
		"one name":          ": $" + whole("a") + "\n",
		"words":             ": " + many("a ") + "\n",
		"pieces":            "a=aaaaaaaaaa\n: " + many("$a") + "\n",
		"subshells":         variables.String() + "\n" + strings.Repeat("(:)\n", 19_000),
		"a test":            "[ " + many("a -a ") + " a ]\n",
		"no, no":            "[ " + many("! ") + " a ]\n",
		"patterns":          "case " + strings.Repeat("a", 500_000) + " in\n" + strings.Repeat("*a*a*b) :;;\n", 10_000) + "esac\n",
		"accounts":          "systemd-sysusers " + many("thing.conf ") + "\n",
		"font maps":         many("update-gsfontmap\n"),
		"a loop of much":    "for i in " + strings.Repeat("a ", 10_000) + "; do : " + strings.Repeat("$i", 100_000) + "; done\n",
	} {
		t.Run(name, func(t *testing.T) {
			result := Evaluate(postinst(script), files)
			if result.Unknown != nil && result.Unknown.Why == "" {
				t.Error("it does not say why")
			}
		})
	}
}

// TestSpent says what is wrong with a script that grows.
func TestSpent(t *testing.T) {
	result := Evaluate(postinst("x=aaaaaaaa\n"+strings.Repeat("x=$x$x\n", 60)), image{})
	if u := result.Unknown; u == nil || !strings.Contains(u.Why, "more text") || u.Line < 3 || u.Line > 63 {
		t.Errorf("%+v", u)
	}
}
