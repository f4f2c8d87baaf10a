package maintscript

// What a script is made of. Every node that can be reported has its line.

// list is commands one after the other.
type list []node

type node interface{ at() int }

type line int

func (l line) at() int { return int(l) }

// simple is assignments, or a command with arguments.
type simple struct {
	line
	text    string // as written, for messages
	assigns []assign
	words   []word
	redirs  []redirection
}

type assign struct {
	name  string
	value word
}

type redirection struct {
	op      string // ">", ">>", "<", ">&", "<&", "<<"
	target  word
	written string
}

// pipeline is commands with pipes between; one alone may be negated.
type pipeline struct {
	line
	not   bool
	parts []node
}

// andOr is commands with && and || between, which bind alike.
type andOr struct {
	line
	first node
	rest  []continuation
}

type continuation struct {
	and  bool
	node node
}

type ifNode struct {
	line
	conditions, bodies []list
	otherwise          list
}

type caseNode struct {
	line
	subject word
	arms    []arm
}

type arm struct {
	patterns []word
	body     list
}

type forNode struct {
	line
	name  string
	words []word
	body  list
}

type loop struct {
	line
	condition, body list
}

type function struct {
	line
	name string
	body node
}

// group is braces or parentheses, or a compound command with redirections.
type group struct {
	line
	body   list
	sub    bool
	redirs []redirection
}

// word is pieces without space between.
type word []piece

type pieceKind uint8

const (
	literal pieceKind = iota
	variable
	substitution
	opaque // arithmetic and such, of which nothing is known
)

type piece struct {
	kind   pieceKind
	text   string // of a literal; the name of a variable
	quoted bool
	op     string // of a variable: ":-", "%" …
	arg    word
	body   list // of a substitution
}
