package project

import "github.com/lithe-build/lithe/internal/python/name"

// configKeys is every key of the configuration but targets. What is set is written to c.
func configKeys(c *Config) []key {
	keys := append(baseKeys(c), runKeys(c)...)
	return append(keys, laterKeys()...)
}

// baseKeys say what an image is made of.
func baseKeys(c *Config) []key {
	return []key{
		{name: "base", value: text{&c.Base, baseRef}, example: `"debian:trixie"`,
			doc: "What is below Python: \"debian\" or \"debian:SUITE\". By default, the Python version chooses."},
		{name: "python", value: text{&c.Python, pythonRule}, example: `"3.13"`,
			doc: "The Python version, with or without its third number."},
		{name: "platforms", value: array[string]{to: &c.Platforms, one: func(s *string) value { return text{s, platform} }, nonEmpty: true},
			example: `["linux/amd64"]`,
			doc:     "The platforms to build for. By default, that of the host, with Linux."},
		{name: "lock", value: text{&c.Lock, nonEmpty}, example: `"uv.lock"`,
			doc: "The lock file, where several stand side by side or it stands elsewhere."},
		{name: "package", value: text{&c.Package, projName}, example: `"service"`,
			doc: "The member of the workspace that goes into the image. By default, the project itself."},
		{name: "bytecode", value: boolean{&c.Bytecode}, example: "true",
			doc: "Whether the image holds bytecode, which makes programs start faster. True by default."},
		{name: "files", value: table{[]key{
			{name: "include", value: array[Include]{to: &c.Files.Include, one: func(i *Include) value { return include{i} }},
				example: `["data/model.bin", {path = "conf/prod.toml", to = "/etc/service.toml"}]`,
				doc:     "Globs of files that go into the image although they are ignored; a table also says where they go."},
			{name: "exclude", value: texts(&c.Files.Exclude, glob), example: `["tests", "docs/**/*.md"]`,
				doc: "Globs of files that stay out of the image. They win over files.include."},
		}}, doc: "Which files of the project go into the image."},
	}
}

// runKeys say how it runs.
func runKeys(c *Config) []key {
	return []key{
		{name: "entrypoint", value: command{&c.Entrypoint}, example: `["/venv/bin/uvicorn", "service.app:app"]`,
			doc: "The program that runs, with its arguments one by one. By default, it is inferred."},
		{name: "cmd", value: command{&c.Cmd}, example: `["--verbose"]`,
			doc: "Arguments for the entry point, which those of `docker run` replace. Without entrypoint, and with an absolute path first, the program itself."},
		{name: "env", value: textMap{to: &c.Env, key: envName}, example: `{LOG_LEVEL = "info"}`,
			doc: "Environment variables of the program."},
		{name: "labels", value: textMap{to: &c.Labels, key: labelName}, example: `{"org.example.team" = "search"}`,
			doc: "Labels of the image's configuration."},
		{name: "annotations", value: textMap{to: &c.Annotations, key: labelName},
			example: `{"org.opencontainers.image.licenses" = "MIT"}`,
			doc:     "Annotations of the image's manifest."},
		{name: "ports", value: array[string]{to: &c.Ports, one: func(s *string) value { return number{s, 65535, port} }},
			example: `[8000, "53/udp"]`,
			doc:     "Ports on which the program listens."},
		{name: "volumes", value: texts(&c.Volumes, absolute), example: `["/data"]`,
			doc: "Directories that the program writes to and that outlive it."},
		{name: "user", value: number{&c.User, maxUser, user}, example: `"1000:1000"`,
			doc: "The numeric user, and after a colon the group, that the program runs as. By default 65532:65532; never 0."},
		{name: "workdir", value: text{&c.Workdir, absolute}, example: `"/app"`,
			doc: "The working directory of the program. By default /app."},
		{name: "stop-signal", value: text{&c.StopSignal, stopSignal}, example: `"SIGTERM"`,
			doc: "The signal that asks the program to stop. By default SIGTERM for servers, SIGINT for scripts."},
		{name: "healthcheck", value: healthcheck{&c.Healthcheck},
			example: `{command = ["/venv/bin/python", "-m", "service.health"], interval = "30s"}`,
			doc:     "The command by which an engine sees whether the program is well, with interval, timeout, start-period and retries."},
		{name: "overlaps", value: textMap{to: &c.Overlaps, key: imagePath, value: projName, normalize: name.Normalize},
			example: `{"venv/lib/python3.13/site-packages/google/__init__.py" = "protobuf"}`,
			doc:     "Where two distributions have different files at one path: the distribution whose file stays."},
		{name: "vcs-labels", value: boolean{&c.VCSLabels}, example: "false",
			doc: "Whether the image says from which commit it was built. False by default, since the digest then changes with every commit."},
	}
}

// laterKeys are part of the configuration's design, and refused until what they do exists.
func laterKeys() []key {
	list := func() value { return texts(new([]string), rule{}) }
	commands := array[[]string]{to: new([][]string), one: func(s *[]string) value { return command{s} }}.one(new([]string))
	return []key{
		{name: "system-packages", later: true, value: list(),
			example: `["libpq5"]`, doc: "Debian packages that the program needs."},
		{name: "build-packages", later: true, value: list(),
			example: `["libpq-dev"]`, doc: "Debian packages that building needs."},
		{name: "apt-sources", later: true, value: list(),
			example: `["https://apt.example.org trixie main"]`, doc: "Further Debian repositories."},
		{name: "ca-certificates", later: true, value: list(),
			example: `["certs/company.crt"]`, doc: "Certificates to trust besides Debian's."},
		{name: "accept-unrun-scripts", later: true, value: list(),
			example: `["tzdata"]`, doc: "Debian packages whose maintainer scripts need not run."},
		{name: "processes", later: true, value: tableOf{commands},
			example: `{worker = ["/venv/bin/celery", "worker"]}`, doc: "Further programs of the same image, by name."},
		{name: "layers", later: true, value: array[[]string]{to: new([][]string), one: func(s *[]string) value {
			return table{[]key{{name: "files", value: texts(s, glob), doc: "Globs of the files in this layer."}}}
		}}, example: `[{files = ["models/**"]}]`, doc: "Layers of their own for big data."},
		{name: "build", later: true, value: array[[]string]{to: new([][]string), one: func(s *[]string) value {
			return table{[]key{
				{name: "run", value: command{s}, doc: "The command."},
				{name: "inputs", value: texts(s, glob), doc: "Globs of the files that it reads."},
				{name: "outputs", value: texts(s, glob), doc: "Globs of the files that it writes."},
				{name: "packages", value: texts(s, rule{}), doc: "Debian packages that it needs."},
			}}
		}},
			example: `[{run = ["npm", "run", "build"], inputs = ["web/**"], outputs = ["static/**"]}]`,
			doc:     "Commands that make files of the image."},
		{name: "index", later: true, value: tableOf{text{to: new(string)}},
			example: `{url = "https://pypi.example.org/simple"}`,
			doc:     "The package index. The settings of the Python tools hold meanwhile."},
		{name: "mirrors", later: true, value: tableOf{text{to: new(string)}},
			example: `{debian = "https://deb.example.org/debian"}`, doc: "Mirrors of package indexes."},
	}
}

// targetKeys are those of the configuration, and some that only a target has.
func targetKeys(t *Target) []key {
	return append(configKeys(&t.Config),
		key{name: "groups", value: array[string]{to: &t.Groups, one: func(s *string) value { return text{s, groupName} }},
			example: `["test"]`,
			doc:     "Dependency groups of this target."},
		key{name: "extras", value: array[string]{to: &t.Extras, one: func(s *string) value { return text{s, extraName} }},
			example: `["postgres"]`,
			doc:     "Extras of the project in this target."},
		key{name: "shell", later: true, value: boolean{new(bool)}, example: "true", doc: "Whether the image has a shell."},
	)
}
