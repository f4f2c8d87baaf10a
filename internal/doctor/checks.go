package doctor

import "context"

// check looks at one thing. It returns a finding for each one that there is of it.
type check struct {
	name string
	run  func(context.Context, *patient) []Finding
}

// checks are all of them, in the order in which they are told: what is here, then what is reached from here.
var checks = []check{
	{"store", checkStore},
	{"executor", checkExecutors},
	{"engine", checkEngines},
	{"foreign architectures", checkForeign},
	{"git", checkGit},
	{"proxy", checkProxy},
	{"certificates", checkCertificates},
	{"package index", checkIndexes},
	{"Debian mirror", checkMirrors},
	{"Debian snapshot", checkSnapshot},
	{"registry", checkRegistries},
	{"clock", checkClock},
}
