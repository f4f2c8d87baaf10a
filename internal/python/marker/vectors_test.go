package marker_test

import (
	"encoding/json"
	"testing"

	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/vectortest"
)

func TestVectorsParse(t *testing.T) {
	for _, row := range vectortest.Read[vectortest.Row[string, vectortest.Result[string]]](t, "packaging/marker_parse.json") {
		m, err := marker.Parse(row.In)
		if (err != nil) != row.Out.Refused {
			t.Errorf("Parse(%q): %v", row.In, err)
		} else if m.String() != row.Out.Value {
			t.Errorf("Parse(%q) = %s, want %s", row.In, m, row.Out.Value)
		}
	}
}

func TestVectorsEvaluate(t *testing.T) {
	type input struct {
		Context     string
		Environment map[string]json.RawMessage
		Marker      string
	}
	for _, row := range vectortest.Read[vectortest.Row[input, vectortest.Result[bool]]](t, "packaging/marker_evaluate.json") {
		m, err := marker.Parse(row.In.Marker)
		if err != nil {
			t.Errorf("Parse(%q): %v", row.In.Marker, err)
			continue
		}
		env := environment(t, row.In.Environment, row.In.Context)
		got, err := m.Evaluate(env)
		if (err != nil) != row.Out.Refused || got != row.Out.Value {
			t.Errorf("%s in %s gives %v, %v, want %+v", m, row.In.Environment, got, err, row.Out)
		}
		if err == nil && m.Eval(env) != got {
			t.Errorf("%s: Eval and Evaluate differ", m)
		}
	}
}

// environment makes ours of packaging's, where a context decides which names exist.
func environment(t *testing.T, raw map[string]json.RawMessage, context string) (env marker.Environment) {
	t.Helper()
	texts := map[string]*string{
		"os_name": &env.OSName, "sys_platform": &env.SysPlatform, "platform_machine": &env.PlatformMachine,
		"platform_python_implementation": &env.PlatformPythonImplementation, "platform_release": &env.PlatformRelease,
		"platform_system": &env.PlatformSystem, "platform_version": &env.PlatformVersion,
		"python_version": &env.PythonVersion, "python_full_version": &env.PythonFullVersion,
		"implementation_name": &env.ImplementationName, "implementation_version": &env.ImplementationVersion,
	}
	if context == "lock_file" {
		env.Extras, env.DependencyGroups = []string{}, []string{}
	}
	var extra string
	for key, value := range raw {
		var target any = texts[key]
		switch key {
		case "extra":
			target = &extra
		case "extras":
			target = &env.Extras
		case "dependency_groups":
			target = &env.DependencyGroups
		case "a": // compared with itself only
			continue
		}
		if err := json.Unmarshal(value, target); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if extra != "" {
		env.Extras = []string{extra}
	}
	return env
}
