package project

import "github.com/lithe-build/lithe/internal/diag"

// Inherit lets a member of a workspace have what the workspace's root says about the base, where the member says nothing:
// lithe.lock, which has one base, stands beside the root. The rest of the configuration is each project's own.
func (p *Project) Inherit(root *Project) {
	p.Config.inherit(root.Config)
	for name, t := range p.targets {
		t.Config.inherit(root.Config)
		p.targets[name] = t
	}
	if p.Python.Version == "" && root.Python.Version != "" {
		p.Python = root.Python
		for _, e := range root.Evidence {
			if e.Decision == "python" {
				p.Evidence = append(p.Evidence, e)
			}
		}
	}
}

func (c *Config) inherit(root Config) {
	*c = c.clone()
	if c.positions == nil {
		c.positions = map[string]diag.Position{}
	}
	for key, take := range map[string]func(){
		"base":      func() { c.Base = root.Base },
		"python":    func() { c.Python = root.Python },
		"platforms": func() { c.Platforms = root.Platforms },
		"bytecode":  func() { c.Bytecode = root.Bytecode },
	} {
		pos, configured := root.positions[key]
		if _, own := c.positions[key]; configured && !own {
			take()
			c.positions[key] = pos
		}
	}
}
