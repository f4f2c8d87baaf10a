package marker

// Environment is what markers are evaluated against. Its names are those of the specification.
type Environment struct {
	OSName                       string // "posix"
	SysPlatform                  string // "linux"
	PlatformMachine              string // "x86_64"
	PlatformPythonImplementation string // "CPython"
	PlatformRelease              string // of the kernel; "" in an image, which has none
	PlatformSystem               string // "Linux"
	PlatformVersion              string // of the kernel; "" in an image
	PythonVersion                string // "3.13"
	PythonFullVersion            string // "3.13.5"
	ImplementationName           string // "cpython"
	ImplementationVersion        string // "3.13.5"

	// Extras is what `extra == "x"` is tested against: true if x is among them, and `!=` if it is not. Without any,
	// `extra` is the empty text. In lock files, `"x" in extras` tests the same list.
	Extras []string
	// DependencyGroups is what `"x" in dependency_groups` is tested against, in lock files.
	DependencyGroups []string
}

// CPython returns the environment of an interpreter on Linux. Full is its version, such as "3.13.5" or "3.15.0rc1";
// machine is what the platform calls itself, such as "x86_64".
func CPython(full, machine string) Environment {
	return Environment{
		OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: machine,
		PlatformPythonImplementation: "CPython", ImplementationName: "cpython", ImplementationVersion: full,
		PythonFullVersion: full, PythonVersion: firstTwo(full),
	}
}

// firstTwo returns the part of a version before its second dot.
func firstTwo(v string) string {
	dots := 0
	for i := range len(v) {
		if v[i] == '.' {
			if dots++; dots == 2 {
				return v[:i]
			}
		}
	}
	return v
}

// variable is one of the names that markers may use.
type variable uint8

const (
	literal variable = iota // no variable
	osName
	sysPlatform
	platformMachine
	platformPythonImplementation
	platformRelease
	platformSystem
	platformVersion
	pythonVersion
	pythonFullVersion
	implementationName
	implementationVersion
	extra
	extras
	dependencyGroups
)

var variableNames = [...]string{
	osName: "os_name", sysPlatform: "sys_platform", platformMachine: "platform_machine",
	platformPythonImplementation: "platform_python_implementation", platformRelease: "platform_release",
	platformSystem: "platform_system", platformVersion: "platform_version", pythonVersion: "python_version",
	pythonFullVersion: "python_full_version", implementationName: "implementation_name",
	implementationVersion: "implementation_version", extra: "extra", extras: "extras", dependencyGroups: "dependency_groups",
}

// aliases are names of old that setuptools once wrote (PEP 345); packaging reads them still.
var aliases = map[string]variable{
	"os.name": osName, "sys.platform": sysPlatform, "platform.version": platformVersion,
	"platform.machine": platformMachine, "platform.python_implementation": platformPythonImplementation,
	"python_implementation": platformPythonImplementation,
}

func (v variable) String() string { return variableNames[v] }

// lookup returns the variable with a name, literal when there is none.
func lookup(name string) variable {
	for v := osName; v <= dependencyGroups; v++ {
		if variableNames[v] == name {
			return v
		}
	}
	return aliases[name]
}

// comparesVersions reports whether values are compared as versions, where they are such.
func (v variable) comparesVersions() bool {
	switch v {
	case pythonVersion, pythonFullVersion, implementationVersion, platformRelease:
		return true
	}
	return false
}

// isSet reports whether the variable is a set of names, on which only "in" and "not in" are defined.
func (v variable) isSet() bool { return v == extras || v == dependencyGroups }

// text returns the value of a variable that is neither a set nor extra.
func (env *Environment) text(v variable) string {
	switch v {
	case osName:
		return env.OSName
	case sysPlatform:
		return env.SysPlatform
	case platformMachine:
		return env.PlatformMachine
	case platformPythonImplementation:
		return env.PlatformPythonImplementation
	case platformRelease:
		return env.PlatformRelease
	case platformSystem:
		return env.PlatformSystem
	case platformVersion:
		return env.PlatformVersion
	case pythonVersion:
		return env.PythonVersion
	case pythonFullVersion:
		return repaired(env.PythonFullVersion)
	case implementationName:
		return env.ImplementationName
	case implementationVersion:
		return env.ImplementationVersion
	}
	return ""
}

// repaired makes a version of what an interpreter built between two tags calls itself: "3.13.5+".
func repaired(full string) string {
	if full != "" && full[len(full)-1] == '+' {
		return full + "local"
	}
	return full
}

// set returns the names that a set-valued variable, or extra, holds.
func (env *Environment) set(v variable) []string {
	if v == dependencyGroups {
		return env.DependencyGroups
	}
	return env.Extras
}
