package bench

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// SVG returns a chart of the cost of an account per contestant: one bar each,
// with Keycloak's share and the caller's distinguished by colour and text. It
// follows the reader's dark mode.
func (r Report) SVG() []byte {
	const (
		left, wide = 280.0, 400.0
		bar, gap   = 30, 18
	)
	var most float64
	var ways []string
	for _, name := range order {
		if len(r.Ways[name]) > 0 {
			ways = append(ways, name)
			most = max(most, r.of(name, Round.cost).Median)
		}
	}
	if most == 0 {
		most = 1
	}
	legend := "portal, Kratos or the caller"
	if r.Machine.Database != SQLite {
		legend = "portal, Kratos or caller, and database"
	}
	ratios := r.Ratios()
	height := 86 + len(ways)*(bar+gap) + 22*len(ratios) + 40
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 %d" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="14">
<title id="t">What one account costs, in core-milliseconds</title>
<desc id="d">%s</desc>
<style>
:root { --page: #ffffff; --ink: #1b2430; --soft: #566273; --keycloak: #8fa3bd; --own: #1f4fa3; }
@media (prefers-color-scheme: dark) { :root { --page: #12181f; --ink: #e8edf3; --soft: #a3b0bf; --keycloak: #5b6f88; --own: #a9c4ff; } }
text { fill: var(--ink); } .soft { fill: var(--soft); } .keycloak { fill: var(--keycloak); } .own { fill: var(--own); } .strong { font-weight: 700; }
</style>
<rect width="760" height="100%%" rx="8" style="fill: var(--page)"/>
<text x="20" y="34" font-size="18" class="strong">What one account costs, in core-milliseconds</text>
<rect x="20" y="50" width="12" height="12" class="own"/><text x="38" y="61">%s</text>
<rect x="290" y="50" width="12" height="12" class="keycloak"/><text x="308" y="61">Keycloak</text>
`, height, html.EscapeString(r.words(ways)), legend)
	y := 86
	for _, name := range ways {
		cost := r.of(name, Round.cost)
		keycloak := r.of(name, func(x Round) float64 { return x.Each(x.Cost.Keycloak) }).Median
		own := max(0, cost.Median-keycloak)
		class := ""
		if name == NameActivation {
			class = ` class="strong"`
		}
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="end"%s>%s</text>
<rect x="%.0f" y="%d" width="%.1f" height="%d" class="own"/><rect x="%.1f" y="%d" width="%.1f" height="%d" class="keycloak"/>
<text x="%.1f" y="%d"%s>%.1f</text>
`, left-12, y+20, class, html.EscapeString(said[name]), left, y, wide*own/most, bar, left+wide*own/most, y, wide*keycloak/most, bar, left+wide*cost.Median/most+10, y+20, class, cost.Median)
		y += bar + gap
	}
	for _, x := range ratios {
		sign := "at most"
		if x.AtLeast {
			sign = "at least"
		}
		mark := ""
		if x.Mark != 0 {
			mark = fmt.Sprintf("; the mark is %s %.2f", sign, x.Mark)
		}
		fmt.Fprintf(&b, `<text x="20" y="%d">%s: <tspan class="strong">%.2f ×</tspan> <tspan class="soft">(%.2f–%.2f%s)</tspan></text>
`, y+14, html.EscapeString(strings.ToUpper(x.What[:1])+x.What[1:]), x.Median, x.Low, x.High, mark)
		y += 22
	}
	m := r.Machine
	fmt.Fprintf(&b, `<text x="20" y="%d" font-size="12" class="soft">%s</text>
</svg>
`, y+24, html.EscapeString(fmt.Sprintf("%d rounds of %d, %d at once · %d cores, %s · Java %s · Keycloak %s", r.Rounds, r.Students, r.Pace.AtOnce, m.Cores, m.Processor, m.Java, m.Keycloak)))
	return b.Bytes()
}

// words returns the text alternative of the chart.
func (r Report) words(ways []string) string {
	var out []string
	for _, name := range ways {
		out = append(out, fmt.Sprintf("%s %.1f, of which Keycloak %.1f", said[name], r.of(name, Round.cost).Median,
			r.of(name, func(x Round) float64 { return x.Each(x.Cost.Keycloak) }).Median))
	}
	return strings.Join(out, "; ")
}
