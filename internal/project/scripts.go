package project

import (
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
)

// fromScripts finds the console script: the only one, or the one that is called as the project. What is no package has
// none, since nothing installs it.
func fromScripts(in *surroundings) []candidate {
	if !in.Package {
		return nil
	}
	var all []candidate
	for _, s := range in.Scripts {
		c := candidate{name: s.Name, command: []string{venvBin + s.Name}, reason: "it is the only script of the project", pos: s.Pos}
		if len(in.Scripts) > 1 && name.Normalize(s.Name) == in.NormalizedName() {
			c.reason = "the script is called as the project"
			return []candidate{c}
		}
		all = append(all, c)
	}
	return all
}

// fromMain finds the package that `python -m` can run, where there is one package only.
func fromMain(in *surroundings) []candidate {
	packages, f := 0, in.finder
	for _, dir := range f.dirs() {
		if f.has(dir+"/__init__.py") || f.has(dir+"/__main__.py") {
			packages++
		}
	}
	if packages != 1 {
		return nil
	}
	return mains(in, "it is the only package, and has a __main__")
}

// fromOneMain finds the package that `python -m` can run among several.
func fromOneMain(in *surroundings) []candidate {
	return mains(in, "it is the only package with a __main__")
}

func mains(in *surroundings, reason string) (all []candidate) {
	for _, dir := range in.finder.dirs() {
		if in.finder.has(dir + "/__main__.py") {
			all = append(all, candidate{name: "python -m " + dir, command: []string{venvPython, "-m", dir}, reason: reason,
				pos: in.filePosition(dir + "/__main__.py")})
		}
	}
	return all
}

// A file runs by its path: /app is then on the path of imports, and a package next to it is found.

// scriptNames are what people call the file to run, in order of preference.
var scriptNames = []string{"main.py", "app.py"}

// fromFile finds the script at the top of a project that is no package.
func fromFile(in *surroundings) []candidate {
	if in.Package {
		return nil
	}
	scripts := in.finder.scripts()
	for _, s := range scriptNames {
		if slices.Contains(scripts, s) {
			return []candidate{in.script(s, "it has the name of a script")}
		}
	}
	var all []candidate
	for _, s := range scripts {
		all = append(all, in.script(s, "it is the only script"))
	}
	return all
}

// fromGuarded finds a main.py or app.py one directory down, which runs when it is not imported.
func fromGuarded(in *surroundings) []candidate {
	if in.Package {
		return nil
	}
	var all []candidate
	for _, dir := range in.finder.dirs() {
		for _, s := range scriptNames {
			if line := in.finder.guard(dir + "/" + s); line > 0 {
				c := in.script(dir+"/"+s, "it is the only one that says `if __name__ == \"__main__\"`")
				c.pos.Line = line
				all = append(all, c)
			}
		}
	}
	return all
}

func (p *Project) script(file, reason string) candidate {
	return candidate{name: file, command: []string{venvPython, "/app/" + file}, reason: reason, pos: p.filePosition(file), script: file}
}

func (p *Project) filePosition(file string) diag.Position {
	return diag.Position{File: p.name(file), Line: 1}
}
