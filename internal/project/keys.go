package project

import (
	"slices"

	"github.com/lithe-build/lithe/internal/python/name"
)

// configKeys is every key of the configuration but targets. What is set is written to c.
func configKeys(c *Config) []key {
	return slices.Concat(baseKeys(c), lockKeys(c), debianKeys(c), fileKeys(c), stepKeys(c), runKeys(c), laterKeys())
}

// lockKeys say where the packages and the code come from.
func lockKeys(c *Config) []key {
	return []key{
		{name: "lock", value: text{&c.Lock, nonEmpty}, example: `"uv.lock"`,
			doc:      "The lock file, where several stand side by side or it stands elsewhere.",
			fallback: "the first of uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pylock.toml and requirements.txt"},
		{name: "allow-unhashed", value: boolean{&c.AllowUnhashed}, example: "true",
			doc:      "Whether a requirements file may pin versions without hashes: lithe.lock then keeps the hashes that the index has, and what the packages require must be in the file. See [requirements.txt](../locks/requirements.md#without-hashes).",
			fallback: "false; such a file is refused"},
		{name: "source-root", value: text{&c.SourceRoot, above}, example: `"../.."`,
			doc:      "The folder above the project in which all code stands: dependencies by path may be anywhere in it, and nowhere else. See [folders](../guide/git-and-path.md#folders).",
			fallback: "the root of the git repository that tracks the project, else the project's folder"},
		{name: "package", value: text{&c.Package, projName}, example: `"service"`,
			doc:      "The member of the workspace that goes into the image, in the configuration of the workspace's root.",
			fallback: "the project itself"},
	}
}

// baseKeys say what an image is made of.
func baseKeys(c *Config) []key {
	return []key{
		{name: "base", value: text{&c.Base, baseRef}, example: `"debian:trixie"`,
			doc:      "What is below the project: \"debian\" or \"debian:SUITE\", whose Python `python` may choose; \"standalone\" or \"standalone:VERSION\", for [any Python](../concepts/standalone.md); or [an image](../concepts/image-bases.md) that has one, such as \"registry.example/python:3.13-slim\".",
			fallback: "the one with the Python that the project names, else with the newest that its lock allows"},
		{name: "python", value: text{&c.Python, pythonRule}, example: `"3.13"`,
			doc:      "The Python version, with or without its third number. Of each a base has one patch release; a warning says where it is another. See [the Python version](../guide/python-version.md).",
			fallback: "what .python-version, .tool-versions, Pipfile or runtime.txt names, else the newest that the lock allows and a stable suite has"},
		{name: "platforms", value: array[string]{to: &c.Platforms, one: func(s *string) value { return text{s, platform} }, nonEmpty: true},
			example:  `["linux/amd64", "linux/arm64"]`,
			doc:      "The platforms to build for: linux/amd64, linux/arm64. Several make one image with an index. See [platforms](../guide/platforms.md).",
			fallback: "the machine's own, under Linux"},
		{name: "ca-certificates", value: array[Placed]{to: &c.CACertificates, one: func(p *Placed) value { return placed{p, relative} }},
			example:  `["certs/company.crt"]`,
			doc:      "Files of the project with certificates to trust besides those of the base, in PEM. See [certificates](../guide/certificates.md).",
			fallback: "none"},
		{name: "bytecode", value: boolean{&c.Bytecode}, example: "true",
			doc: "Whether the image holds bytecode, which makes programs start faster.", fallback: "true"},
	}
}

// debianKeys say which packages of Debian are added.
func debianKeys(c *Config) []key {
	return []key{
		{name: "system-packages", value: array[SystemPackage]{to: &c.SystemPackages, one: func(p *SystemPackage) value { return systemPackage{p} }},
			example:  `["libpq5", "./vendor/driver_1.0_amd64.deb"]`,
			doc:      "Debian packages that the program needs beside the base, with all that they depend on; \"name=version\" asks for one version, and \"./FILE.deb\" is a file of the project. See [system packages](system-packages.md).",
			fallback: "none"},
		{name: "system-libraries", value: boolean{&c.SystemLibraries}, example: "false",
			doc:      "Whether Debian packages are added by themselves where a package of Python needs a library of theirs. See [completeness](../concepts/completeness.md). Without it a library that is missing is an error.",
			fallback: "true"},
		{name: "build-packages", value: array[SystemPackage]{to: &c.BuildPackages, one: func(p *SystemPackage) value { return systemPackage{p} }},
			example:  `["libpq-dev"]`,
			doc:      "Debian packages that building needs beside a compiler and Python's headers: headers of libraries, tools, written as system packages are. They are in no image. Where nothing is built they are not looked at.",
			fallback: "none"},
		{name: "apt-sources", value: array[AptSource]{to: &c.AptSources, one: func(s *AptSource) value { return aptSource{s} }},
			example:  `[{url = "https://apt.example.org/debian", suite = "trixie", components = ["main"], signed-by = "keys/example.asc"}]`,
			doc:      "Further repositories of Debian packages, for all keys above: system-packages, build-packages and what follows by itself. Base and interpreter never come from them. See [further repositories](system-packages.md#further-repositories).",
			fallback: "none"},
		{name: "accept-unrun-scripts", value: texts(&c.AcceptUnrunScripts, debianName), example: `["graphviz"]`,
			doc:      "Packages among them whose maintainer scripts lithe does not understand, and the program works without.",
			fallback: "none; such packages are refused"},
		{name: "accept-missing-libraries", value: texts(&c.AcceptMissing, libraryGlob), example: `["libmysqlclient.so.*"]`,
			doc:      "Globs of shared libraries that files of the image need and that need not be there, because the program does without those files.",
			fallback: "none; a missing library is an error"},
		{name: "reuse", value: text{&c.Reuse, reuseRule}, example: `"registry"`,
			doc:      "Whether layers that the registry has from earlier builds are used again, so that a machine with an empty store neither downloads nor makes nor uploads them. See [the registry remembers](../guide/reuse.md).",
			fallback: "\"none\""},
		{name: "layer-repository", value: text{&c.LayerRepository, imageRepository}, example: `"registry.example/team/layers"`,
			doc:      "With reuse: a repository for the layers of dependencies that several projects share.",
			fallback: "none; layers are looked for where the image is pushed to"},
		{name: "config-settings", value: textTables{&c.ConfigSettings},
			example:  `{pillow = {raqm = "disable"}}`,
			doc:      "Settings for the build backends of what is [built from source](../concepts/sdists.md), by the name of the distribution.",
			fallback: "none"},
	}
}

// fileKeys say which files of the project go in.
func fileKeys(c *Config) []key {
	return []key{
		{name: "files", value: table{[]key{
			{name: "include", value: array[Include]{to: &c.Files.Include, one: func(i *Include) value { return include{i} }},
				example:  `["data/model.bin", {path = "conf/prod.toml", to = "/etc/service.toml"}]`,
				doc:      "Globs of files that go into the image although they are ignored, or although the project is a package; a table also says where they go.",
				fallback: "none"},
			{name: "exclude", value: texts(&c.Files.Exclude, glob), example: `["tests", "docs/**/*.md"]`,
				doc:      "Globs of files that stay out of the image. They win over files.include. What a package has in its wheel, its build backend decides.",
				fallback: "none"},
		}}, doc: "Which files of the project go into the image."},
	}
}

// stepKeys say which commands make files of it.
func stepKeys(c *Config) []key {
	return []key{
		{name: "build", value: array[Step]{to: &c.Build, one: func(s *Step) value { return buildStep{s} }},
			example:  `[{run = ["/venv/bin/python", "generate.py"], inputs = ["generate.py", "schema/*.json"], outputs = ["generated/**"]}]`,
			doc:      "Commands that make files of the image. See [build steps](../guide/build-steps.md).",
			fallback: "none, but collectstatic and compilemessages for Django"},
		{name: "collectstatic", value: boolean{&c.Collectstatic}, example: "false",
			doc:      "Whether Django's collectstatic runs when the image is built.",
			fallback: "true for a copied project of Django that sets STATIC_ROOT and has WhiteNoise"},
		{name: "compilemessages", value: boolean{&c.Compilemessages}, example: "false",
			doc:      "Whether catalogues of translations (`LC_MESSAGES/*.po`) are compiled when the image is built, those that have a .mo file as well.",
			fallback: "for a copied project of Django, those that have no .mo file"},
	}
}

// runKeys say how it runs.
func runKeys(c *Config) []key {
	return []key{
		{name: "entrypoint", value: command{&c.Entrypoint}, example: `["/venv/bin/uvicorn", "service.app:app"]`,
			doc:      "The program that runs, with its arguments one by one. There is no shell in the image.",
			fallback: "inferred from a Procfile, the framework and its locked server, scripts and files of the project; see [what runs](../concepts/entry-point.md)"},
		{name: "cmd", value: command{&c.Cmd}, example: `["--verbose"]`,
			doc:      "Arguments for the entry point, which those of `docker run` replace. Without entrypoint, and with an absolute path first, the program itself.",
			fallback: "none"},
		{name: "processes", value: commands{&c.Processes}, example: `{worker = ["/venv/bin/celery", "--app", "service.tasks", "worker"]}`,
			doc:      "Further programs of the same image, by name, for `lithe run --process NAME`. See [what runs](../concepts/entry-point.md).",
			fallback: "those of a Procfile, and the worker of Celery"},
		{name: "test", value: command{&c.Test}, example: `["/venv/bin/python", "-m", "pytest", "-q"]`,
			doc:      "What `lithe test` runs in the image of the target dev. See [targets and tests](../guide/targets.md).",
			fallback: "pytest or manage.py test, where the image has them, else unittest"},
		{name: "env", value: textMap{to: &c.Env, key: envName}, example: `{LOG_LEVEL = "info"}`,
			doc: "Environment variables of the program, beside those that every image has.", fallback: "none"},
		{name: "labels", value: textMap{to: &c.Labels, key: labelName}, example: `{"org.example.team" = "search"}`,
			doc: "Labels of the image's configuration, which engines show.", fallback: "name and version of the project, name of the base"},
		{name: "annotations", value: textMap{to: &c.Annotations, key: labelName},
			example: `{"org.opencontainers.image.licenses" = "MIT"}`,
			doc:     "Annotations of the image's manifest, which registries show.", fallback: "none"},
		{name: "ports", value: array[string]{to: &c.Ports, one: func(s *string) value { return number{s, 65535, port} }},
			example: `[8000, "53/udp"]`,
			doc:     "Ports on which the program listens. `lithe run` publishes them on 127.0.0.1. The first is that of the server, where lithe finds out what runs.", fallback: "that of the server, where lithe finds out what runs"},
		{name: "volumes", value: texts(&c.Volumes, absolute), example: `["/data"]`,
			doc: "Directories that the program writes to and that outlive it.", fallback: "none"},
		{name: "user", value: number{&c.User, maxUser, user}, example: `"1000:1000"`,
			doc: "The numeric user, and after a colon the group, that the program runs as; never 0.", fallback: "65532:65532, or that of a base that is an image, if it is not root"},
		{name: "workdir", value: text{&c.Workdir, absolute}, example: `"/app"`,
			doc: "The working directory of the program.", fallback: "/app"},
		{name: "stop-signal", value: text{&c.StopSignal, stopSignal}, example: `"SIGTERM"`,
			doc: "The signal that asks the program to stop.", fallback: "SIGTERM for known servers, SIGINT for all else"},
		{name: "healthcheck", value: healthcheck{&c.Healthcheck},
			example:  `{command = ["/venv/bin/python", "-m", "service.health"], interval = "30s"}`,
			doc:      "How an engine sees whether the program is well: a command, or a path such as \"/health\" that its server answers by HTTP. Docker and Podman know it; OCI does not.",
			fallback: "none, but for Streamlit, which has a path for it"},
		{name: "overlaps", value: textMap{to: &c.Overlaps, key: imagePath, value: projName, normalize: name.Normalize},
			example: `{"venv/lib/python3.13/site-packages/google/__init__.py" = "protobuf"}`,
			doc:     "Where two distributions have different files at one path: the distribution whose file stays.", fallback: "none; such files are an error"},
	}
}

// laterKeys are part of the configuration's design, and refused until what they do exists.
func laterKeys() []key {
	return []key{
		{name: "layers", later: true, value: array[[]string]{to: new([][]string), one: func(s *[]string) value {
			return table{[]key{{name: "files", value: texts(s, glob), doc: "Globs of the files in this layer."}}}
		}}, example: `[{files = ["models/**"]}]`, doc: "Layers of their own for big data."},
		{name: "index", later: true, value: tableOf{text{to: new(string)}},
			example: `{url = "https://pypi.example.org/simple"}`,
			doc:     "The package index. The settings of the Python tools hold meanwhile."},
		{name: "mirrors", later: true, value: tableOf{text{to: new(string)}},
			example: `{debian = "https://deb.example.org/debian"}`, doc: "Mirrors of package indexes."},
		{name: "vcs-labels", later: true, value: boolean{new(bool)}, example: "true",
			doc: "Whether the image says from which commit it was built. Its digest then changes with every commit."},
	}
}

// targetKeys are those of the configuration, and some that only a target has.
func targetKeys(t *Target) []key {
	return append(configKeys(&t.Config),
		key{name: "groups", value: array[string]{to: &t.Groups, one: func(s *string) value { return text{s, groupName} }},
			example: `["test"]`,
			doc:     "Dependency groups of this target, beside the default groups, which the target dev has anyway.", fallback: "none"},
		key{name: "extras", value: array[string]{to: &t.Extras, one: func(s *string) value { return text{s, extraName} }},
			example: `["postgres"]`,
			doc:     "Extras of the project in this target.", fallback: "none"},
		key{name: "shell", value: boolean{&t.Shell}, example: "true", fallback: "false",
			doc: "Whether the image of this target has a shell: Debian's dash as /bin/sh, and busybox."},
		key{name: "sources", value: boolean{&t.Sources}, example: "true", fallback: "true for the target dev, else false",
			doc: "Whether all files of the project are in /app, also of a package, with its tests and pyproject.toml."},
	)
}
