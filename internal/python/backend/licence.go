package backend

import (
	"slices"
	"strings"
)

// licence is a row of what the SPDX list and the trove classifiers say of a licence.
type licence struct{ id, name, classifier string }

// licences are the identifiers that projects use. The whole SPDX list has 700 more; a project under one of them is
// told so, rather than given a wrong classifier. See https://spdx.org/licenses/.
var licences = []licence{
	{"0BSD", "BSD Zero Clause License", "OSI Approved"},
	{"AFL-3.0", "Academic Free License v3.0", "OSI Approved :: Academic Free License (AFL)"},
	{"AGPL-3.0-only", "GNU Affero General Public License v3.0 only", "OSI Approved :: GNU Affero General Public License v3"},
	{"AGPL-3.0-or-later", "GNU Affero General Public License v3.0 or later", "OSI Approved :: GNU Affero General Public License v3 or later (AGPLv3+)"},
	{"AGPL-3.0", "GNU Affero General Public License v3.0", "OSI Approved :: GNU Affero General Public License v3"},
	{"Apache-1.1", "Apache License 1.1", "OSI Approved :: Apache Software License"},
	{"Apache-2.0", "Apache License 2.0", "OSI Approved :: Apache Software License"},
	{"Artistic-2.0", "Artistic License 2.0", "OSI Approved :: Artistic License"},
	{"BSD-1-Clause", "BSD 1-Clause License", "OSI Approved"},
	{"BSD-2-Clause", "BSD 2-Clause \"Simplified\" License", "OSI Approved :: BSD License"},
	{"BSD-2-Clause-Patent", "BSD-2-Clause Plus Patent License", "OSI Approved"},
	{"BSD-3-Clause", "BSD 3-Clause \"New\" or \"Revised\" License", "OSI Approved :: BSD License"},
	{"BSD-3-Clause-Clear", "BSD 3-Clause Clear License", "Other/Proprietary License"},
	{"BSL-1.0", "Boost Software License 1.0", "OSI Approved :: Boost Software License 1.0 (BSL-1.0)"},
	{"BlueOak-1.0.0", "Blue Oak Model License 1.0.0", "OSI Approved"},
	{"CC0-1.0", "Creative Commons Zero v1.0 Universal", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"},
	{"CC-BY-4.0", "Creative Commons Attribution 4.0 International", "Other/Proprietary License"},
	{"CC-BY-SA-4.0", "Creative Commons Attribution Share Alike 4.0 International", "Other/Proprietary License"},
	{"CC-BY-NC-4.0", "Creative Commons Attribution Non Commercial 4.0 International", "Other/Proprietary License"},
	{"CDDL-1.0", "Common Development and Distribution License 1.0", "OSI Approved :: Common Development and Distribution License 1.0 (CDDL-1.0)"},
	{"CECILL-2.1", "CeCILL Free Software License Agreement v2.1", "OSI Approved :: CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)"},
	{"CECILL-B", "CeCILL-B Free Software License Agreement", "CeCILL-B Free Software License Agreement (CECILL-B)"},
	{"CECILL-C", "CeCILL-C Free Software License Agreement", "CeCILL-C Free Software License Agreement (CECILL-C)"},
	{"ECL-2.0", "Educational Community License v2.0", "OSI Approved"},
	{"EPL-1.0", "Eclipse Public License 1.0", "OSI Approved :: Eclipse Public License 1.0 (EPL-1.0)"},
	{"EPL-2.0", "Eclipse Public License 2.0", "OSI Approved :: Eclipse Public License 2.0 (EPL-2.0)"},
	{"EUPL-1.1", "European Union Public License 1.1", "OSI Approved :: European Union Public Licence 1.1 (EUPL 1.1)"},
	{"EUPL-1.2", "European Union Public License 1.2", "OSI Approved :: European Union Public Licence 1.2 (EUPL 1.2)"},
	{"GPL-2.0", "GNU General Public License v2.0 only", "OSI Approved :: GNU General Public License v2 (GPLv2)"},
	{"GPL-2.0-only", "GNU General Public License v2.0 only", "OSI Approved :: GNU General Public License v2 (GPLv2)"},
	{"GPL-2.0-or-later", "GNU General Public License v2.0 or later", "OSI Approved :: GNU General Public License v2 or later (GPLv2+)"},
	{"GPL-3.0", "GNU General Public License v3.0 only", "OSI Approved :: GNU General Public License v3 (GPLv3)"},
	{"GPL-3.0-only", "GNU General Public License v3.0 only", "OSI Approved :: GNU General Public License v3 (GPLv3)"},
	{"GPL-3.0-or-later", "GNU General Public License v3.0 or later", "OSI Approved :: GNU General Public License v3 or later (GPLv3+)"},
	{"HPND", "Historical Permission Notice and Disclaimer", "OSI Approved"},
	{"ISC", "ISC License", "OSI Approved"},
	{"LGPL-2.0-only", "GNU Library General Public License v2 only", "OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)"},
	{"LGPL-2.0-or-later", "GNU Library General Public License v2 or later", "OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)"},
	{"LGPL-2.1", "GNU Lesser General Public License v2.1 only", "OSI Approved"},
	{"LGPL-2.1-only", "GNU Lesser General Public License v2.1 only", "OSI Approved"},
	{"LGPL-2.1-or-later", "GNU Lesser General Public License v2.1 or later", "OSI Approved"},
	{"LGPL-3.0", "GNU Lesser General Public License v3.0 only", "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"},
	{"LGPL-3.0-only", "GNU Lesser General Public License v3.0 only", "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"},
	{"LGPL-3.0-or-later", "GNU Lesser General Public License v3.0 or later", "OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)"},
	{"MIT", "MIT License", "OSI Approved :: MIT License"},
	{"MIT-0", "MIT No Attribution", "OSI Approved"},
	{"MPL-1.1", "Mozilla Public License 1.1", "OSI Approved :: Mozilla Public License 1.1 (MPL 1.1)"},
	{"MPL-2.0", "Mozilla Public License 2.0", "OSI Approved"},
	{"MS-PL", "Microsoft Public License", "OSI Approved"},
	{"MulanPSL-2.0", "Mulan Permissive Software License, Version 2", "OSI Approved"},
	{"NCSA", "University of Illinois/NCSA Open Source License", "OSI Approved"},
	{"ODbL-1.0", "Open Data Commons Open Database License v1.0", "Other/Proprietary License"},
	{"OFL-1.1", "SIL Open Font License 1.1", "OSI Approved"},
	{"OSL-3.0", "Open Software License 3.0", "OSI Approved"},
	{"PSF-2.0", "Python Software Foundation License 2.0", "Other/Proprietary License"},
	{"PostgreSQL", "PostgreSQL License", "OSI Approved"},
	{"Python-2.0", "Python License 2.0", "OSI Approved"},
	{"Unlicense", "The Unlicense", "OSI Approved"},
	{"UPL-1.0", "Universal Permissive License v1.0", "OSI Approved"},
	{"W3C", "W3C Software Notice and License (2002-12-31)", "OSI Approved :: W3C License"},
	{"WTFPL", "Do What The F*ck You Want To Public License", "Other/Proprietary License"},
	{"Zlib", "zlib License", "OSI Approved"},
	{"ZPL-2.1", "Zope Public License 2.1", "OSI Approved :: Zope Public License"},
	{"Proprietary", "Proprietary", "Other/Proprietary License"},
}

// findLicence finds a licence by identifier or full name, without regard to case, as poetry-core does.
func findLicence(text string) (licence, bool) {
	i := slices.IndexFunc(licences, func(l licence) bool {
		return strings.EqualFold(l.id, text) || strings.EqualFold(l.name, text)
	})
	if i < 0 {
		return licence{}, false
	}
	return licences[i], true
}

// canonicalExpression gives an SPDX expression its canonical case. It understands known identifiers, AND, OR and
// parentheses, and reports whether that was all. "Proprietary" is Poetry's own word, not SPDX's.
func canonicalExpression(text string) (string, bool) {
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	var out []string
	operand := true // whether an identifier, not an operator, must come next
	depth := 0
	for _, word := range strings.Fields(text) {
		upper := strings.ToUpper(word)
		switch {
		case operand && word == "(":
			depth++
		case !operand && word == ")":
			depth--
		case !operand && (upper == "AND" || upper == "OR"):
			word, operand = upper, true
		case operand:
			id, ok := spdxID(word)
			if !ok {
				return "", false
			}
			word, operand = id, false
		default:
			return "", false
		}
		if depth < 0 {
			return "", false
		}
		out = append(out, word)
	}
	joined := strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(out, " "))
	return joined, !operand && depth == 0
}

// spdxID returns the canonical spelling of an identifier.
func spdxID(word string) (string, bool) {
	for _, l := range licences {
		if strings.EqualFold(l.id, word) && l.id != "Proprietary" {
			return l.id, true
		}
	}
	return "", false
}
