# Turns lines of project, scenario, contender, run, value (sorted by the first three, then by value) into one Markdown
# table a project: the median of each contender, its range, and how many times the peer's median it is faster or smaller.
BEGIN {
	FS = "\t"
	n = split(order, contenders, " ")
	rows = split("first cold unchanged source main dev compressed unpacked", row, " ")
	said["first"] = "very first build"; said["cold"] = "cold, base present"; said["unchanged"] = "unchanged"
	said["source"] = "source changed"; said["main"] = "+ main dependency"; said["dev"] = "+ dev dependency"
	said["compressed"] = "image, compressed"; said["unpacked"] = "image, unpacked"
}

{
	key = $1 SUBSEP $2 SUBSEP $3
	value[key, ++count[key]] = $5
	if (!seen[$1]++) projects[++many] = $1
}

function median(key,    c) {
	c = count[key]
	return c % 2 ? value[key, (c + 1) / 2] : (value[key, c / 2] + value[key, c / 2 + 1]) / 2
}

# Times are noted in microseconds, sizes in bytes: both are a million to the unit.
function cell(key, unit,    text, low, high) {
	if (!count[key]) return "–"
	text = sprintf("%.*f", unit == "s" ? 3 : 1, median(key) / 1e6)
	low = value[key, 1]; high = value[key, count[key]]
	if (unit == "s" && count[key] > 1) text = text sprintf(" (%.3f–%.3f)", low / 1e6, high / 1e6)
	return text " " unit
}

function ratio(key, base) {
	if (key == base || !count[key] || !count[base] || !median(key)) return ""
	return sprintf(" **%.*f×**", median(base) / median(key) < 10 ? 1 : 0, median(base) / median(key))
}

END {
	for (p = 1; p <= many; p++) {
		printf "%s: median (min–max), and how many times better than %s\n\n|", projects[p], peer
		for (c = 1; c <= n; c++) printf " | %s", contenders[c]
		printf " |\n|---"
		for (c = 1; c <= n; c++) printf "|---"
		print "|"
		for (r = 1; r <= rows; r++) {
			base = projects[p] SUBSEP row[r] SUBSEP peer
			if (!count[base]) continue
			unit = row[r] ~ /pressed|packed/ ? "MB" : "s"
			printf "| %s", said[row[r]]
			for (c = 1; c <= n; c++) {
				key = projects[p] SUBSEP row[r] SUBSEP contenders[c]
				printf " | %s%s", cell(key, unit), ratio(key, base)
			}
			print " |"
		}
		print ""
	}
}
