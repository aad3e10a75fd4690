package bench

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Machine describes the machine of a run, because times only hold for it.
type Machine struct {
	Cores     int    `json:"cores"`
	Processor string `json:"processor"`
	System    string `json:"system"`
	Go        string `json:"go"`
	Java      string `json:"java"`
	Keycloak  string `json:"keycloak"`
	Database  string `json:"database"`
}

// ThisMachine returns a description of the current machine.
func ThisMachine(java, keycloak, database string) Machine {
	return Machine{runtime.NumCPU(), processor(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(), java, keycloak, database}
}

// Report is the result of a run.
type Report struct {
	Machine  Machine
	Students int // students per round
	Rounds   int
	Warm     int
	Pace     Pace
	Ways     map[string][]Round
	Proof    Proof
	Memory   Memory // memory of the portal
}

// Proof holds the counts that show that no account or mail was lost. The
// students of the warm-up are included.
type Proof struct {
	Activated int `json:"activated"` // students who saw the last page
	Counted   int `json:"counted"`   // increase of the number of accounts
	Found     int `json:"found"`     // students whose account exists exactly once and is enabled
	Mails     int `json:"mails"`     // two per student
	Tried     int `json:"logins_tried"`
	LoggedIn  int `json:"logins"`
}

// Whole reports whether no account or mail was lost.
func (p Proof) Whole() bool {
	return p.Activated > 0 && p.Counted == p.Activated && p.Found == p.Activated && p.Mails == 2*p.Activated && p.LoggedIn == p.Tried
}

// Figure is a value of each round, summarised.
type Figure struct{ Median, Low, High float64 }

// FigureOf returns the median and the spread.
func FigureOf(values []float64) Figure {
	if len(values) == 0 {
		return Figure{}
	}
	v := slices.Sorted(slices.Values(values))
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return Figure{middle, v[0], v[len(v)-1]}
}

func (r Report) of(way string, f func(Round) float64) Figure {
	var values []float64
	for _, round := range r.Ways[way] {
		values = append(values, f(round))
	}
	return FigureOf(values)
}

// cost is the processor time of one account in the calling process, Keycloak, the
// databases of both and the directory, in core-milliseconds.
func (r Round) cost() float64 {
	own := r.Cost.Caller
	switch r.Name {
	case NameActivation:
		own = r.Cost.Portal
	case NameRegistration:
		own = 0 // the caller is a browser, which is not charged
	case NameKratos:
		return r.Each(r.Cost.Kratos + r.Cost.Database) // nothing else takes part
	}
	return r.Each(own + r.Cost.Keycloak + r.Cost.Database + r.Cost.Directory)
}

// directory is the part of the cost that the directory of the accounts has.
func (r Round) directory() float64 { return r.Each(r.Cost.Directory) }

// Hash returns the ratio of the cost of Keycloak's own hash to that of
// golang.org/x/crypto. Keycloak's is the difference between a POST with a password and one with a
// hash.
func (r Report) Hash() Figure {
	var values []float64
	plain, limit := r.Ways[NamePlain], r.Ways[NameLimit]
	for i := range min(len(plain), len(limit)) {
		if ours := limit[i].Each(limit[i].Cost.Caller); ours > 0 {
			values = append(values, (plain[i].Each(plain[i].Cost.Keycloak)-limit[i].Each(limit[i].Cost.Keycloak))/ours)
		}
	}
	return FigureOf(values)
}

// Ratio compares two contestants, round by round. A Mark of 0 is none.
type Ratio struct {
	Key, What string
	Figure
	Mark    float64
	AtLeast bool
}

// Holds reports whether the median is within the target.
func (r Ratio) Holds() bool {
	switch {
	case r.Mark == 0:
		return true
	case r.AtLeast:
		return r.Median >= r.Mark
	}
	return r.Median <= r.Mark
}

// Ratios returns the ratios whose two contestants were measured.
func (r Report) Ratios() []Ratio {
	keycloak := func(x Round) float64 { return x.Each(x.Cost.Keycloak) }
	toLimit := 1.0
	if r.of(NameActivation, Round.directory).Median > 0 {
		toLimit = 0.7
	}
	var out []Ratio
	for _, c := range []struct {
		key, what, to string
		f             func(Round) float64
		mark          float64
		atLeast       bool
	}{
		{"cost_to_limit", "cost, to the limit with the hash of x/crypto", NameLimit, Round.cost, toLimit, false},
		{"cost_to_fastest", "cost, to the limit with the portal's hash", NameFastest, Round.cost, 0, false},
		{"cost_to_registration", "cost, to Keycloak's registration page", NameRegistration, Round.cost, 0.55, false},
		{"cost_to_kratos", "cost, to a registration with a code at Ory Kratos", NameKratos, Round.cost, 0.8, false},
		{"keycloak_to_bare", "Keycloak's share, to a bare user", NameLimit, keycloak, 1.35, false},
		{"rate_to_registration", "activations per second, to registrations", NameRegistration, Round.PerSecond, 1.7, true},
	} {
		ours, theirs := r.Ways[NameActivation], r.Ways[c.to]
		if c.key == "rate_to_registration" && r.Pace.Rate > 0 {
			continue // the rate was given, not measured
		}
		var values []float64
		for i := range min(len(ours), len(theirs)) {
			if below := c.f(theirs[i]); below > 0 {
				values = append(values, c.f(ours[i])/below)
			}
		}
		if len(values) > 0 {
			out = append(out, Ratio{c.key, c.what, FigureOf(values), c.mark, c.atLeast})
		}
	}
	return out
}

// Line is one step, summarised over all rounds.
type Line struct {
	Step          string        `json:"step"`
	P50, P95, P99 time.Duration `json:"-"`
	Bytes         int64         `json:"bytes"` // the median
}

// Lines returns the steps of the activation in order.
func (r Report) Lines() []Line {
	took, bytes := map[string][]time.Duration{}, map[string][]int64{}
	add := func(name string, d time.Duration, n int64) {
		took[name], bytes[name] = append(took[name], d), append(bytes[name], n)
	}
	for _, round := range r.Ways[NameActivation] {
		for _, j := range round.Journeys {
			var d time.Duration
			var n int64
			for _, s := range j.Steps {
				add(s.Name, s.Took, s.Bytes)
				d, n = d+s.Took, n+s.Bytes
			}
			add("whole way", d, n)
		}
	}
	var out []Line
	for _, name := range append(slices.Clone(steps), "whole way") {
		if t := took[name]; len(t) > 0 {
			out = append(out, Line{name, share(t, 50), share(t, 95), share(t, 99), share(bytes[name], 50)})
		}
	}
	return out
}

// share returns the value below which p percent of the values lie.
func share[T cmp.Ordered](values []T, p int) T {
	v := slices.Sorted(slices.Values(values))
	return v[min(len(v)-1, len(v)*p/100)]
}

// failures returns the number of failures and the first few of them.
func (r Report) failures() (n int, some []error) {
	for _, name := range order {
		for _, round := range r.Ways[name] {
			n += len(round.Errors)
			some = append(some, round.Errors[:min(2, len(round.Errors))]...)
		}
	}
	return n, some
}

// order is the order of the table: the activation, then the alternatives by
// descending cost.
var order = []string{NameActivation, NameRegistration, NameKratos, NameReset, NamePlain, NameLimit, NameFastest}

var said = map[string]string{
	NameActivation: "the whole activation", NameRegistration: "Keycloak's registration page", NameReset: "create, then reset-password",
	NamePlain: "one POST with the password", NameLimit: "the limit with the hash of x/crypto",
	NameKratos: "Ory Kratos, with a code", NameFastest: "the limit with the portal's hash",
}

// Print writes the tables to out.
func (r Report) Print(out io.Writer) {
	m := r.Machine
	fmt.Fprintf(out, "\n%d cores, %s, %s · %s · Java %s · Keycloak %s · %s\n", m.Cores, m.Processor, m.System, m.Go, m.Java, m.Keycloak, m.Database)
	pace := fmt.Sprintf("%d at once", r.Pace.AtOnce)
	if r.Pace.Rate > 0 {
		pace = fmt.Sprintf("%g arrivals a second, the others %d at once", r.Pace.Rate, r.Pace.AtOnce)
	}
	fmt.Fprintf(out, "%d rounds of %d, %s, after %d of each to warm up; medians, with the lowest and the highest round\n", r.Rounds, r.Students, pace, r.Warm)

	table(out, tabwriter.AlignRight, r.costs)
	if took, share := r.compilers(); took > 0 {
		fmt.Fprintf(out, "\nNot counted: %.0f s of the compilers of Keycloak's Java, %.0f %% of its processor time in these rounds. They stop when all is compiled, however many accounts follow.\n", took.Seconds(), 100*share)
	}
	if d := r.of(NameActivation, Round.directory); d.Median > 0 {
		fmt.Fprintf(out, "\nOf an activation, the directory cost %.1f core-milliseconds (%.1f–%.1f).\n", d.Median, d.Low, d.High)
	}
	if ratios := r.Ratios(); len(ratios) > 0 {
		table(out, 0, func(t io.Writer) { marks(t, ratios) })
	}
	if h := r.Hash(); h.Median > 0 {
		fmt.Fprintf(out, "\nKeycloak's own hash cost %.1f × that of x/crypto (%.1f–%.1f). It depends on how Java compiled it in this run, as do all figures of Keycloak's own hashing.\n", h.Median, h.Low, h.High)
	}
	table(out, tabwriter.AlignRight, r.steps)
	r.outcome(out)
}

// table aligns the tab-separated output of fill in columns.
func table(out io.Writer, flags uint, fill func(io.Writer)) {
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', flags)
	fill(t)
	_ = t.Flush() // an error of the terminal cannot be reported
}

// compilers returns the time of the compilers of Keycloak's Java in all rounds, and
// their share of Keycloak's time.
func (r Report) compilers() (took time.Duration, share float64) {
	var rest time.Duration
	for _, rounds := range r.Ways {
		for _, x := range rounds {
			took, rest = took+x.Cost.Compilers, rest+x.Cost.Keycloak
		}
	}
	return took, float64(took) / float64(max(1, took+rest))
}

func (r Report) costs(t io.Writer) {
	fmt.Fprintln(t, "core-milliseconds each\tportal\tKeycloak\tdatabase\tcaller\ttogether\tspread\tper second\t")
	for _, name := range order {
		if len(r.Ways[name]) == 0 {
			continue
		}
		part := func(f func(Cost) time.Duration, there bool) string {
			if !there {
				return "–"
			}
			return fmt.Sprintf("%.1f", r.of(name, func(x Round) float64 { return x.Each(f(x.Cost)) }).Median)
		}
		if name == NameKratos {
			all := r.of(name, Round.cost)
			fmt.Fprintf(t, "%s\t–\t–\t–\t–\t%.1f\t%.1f–%.1f\t%.1f\t\n", said[name], all.Median, all.Low, all.High, r.of(name, Round.PerSecond).Median)
			continue
		}
		ours := name == NameActivation
		all := r.of(name, Round.cost)
		database := part(func(c Cost) time.Duration { return c.Database }, r.Machine.Database != SQLite)
		if ours && r.Machine.Database == SQLite {
			database = "in the portal"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.1f\t%.1f–%.1f\t%.1f\t\n", said[name],
			part(func(c Cost) time.Duration { return c.Portal }, ours), part(func(c Cost) time.Duration { return c.Keycloak }, true), database,
			part(func(c Cost) time.Duration { return c.Caller }, !ours && name != NameRegistration),
			all.Median, all.Low, all.High, r.of(name, Round.PerSecond).Median)
	}
}

func marks(t io.Writer, ratios []Ratio) {
	fmt.Fprintln(t, "ratio\tmeasured\tspread\tmark\t")
	for _, x := range ratios {
		sign, holds := "≤", "holds"
		if x.AtLeast {
			sign = "≥"
		}
		mark := fmt.Sprintf("%s %.2f", sign, x.Mark)
		switch {
		case x.Mark == 0:
			mark, holds = "–", ""
		case !x.Holds():
			holds = "DOES NOT HOLD"
		}
		fmt.Fprintf(t, "%s\t%.2f ×\t%.2f–%.2f\t%s\t%s\n", x.What, x.Median, x.Low, x.High, mark, holds)
	}
}

func (r Report) steps(t io.Writer) {
	fmt.Fprintln(t, "step of the activation\tp50\tp95\tp99\tbytes\t")
	for _, l := range r.Lines() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t\n", l.Step, short(l.P50), short(l.P95), short(l.P99), l.Bytes)
	}
}

func (r Report) outcome(out io.Writer) {
	p := r.Proof
	n, some := r.failures()
	fmt.Fprintf(out, "\n%d activated; there are %d more accounts, and %d accounts of these students were found; %d of %d mails; %d of %d tried logins succeeded; %d failures\n",
		p.Activated, p.Counted, p.Found, p.Mails, 2*p.Activated, p.LoggedIn, p.Tried, n)
	for _, err := range some {
		fmt.Fprintln(out, "  ", err)
	}
	if r.Memory.Most > 0 {
		fmt.Fprintf(out, "the portal's memory: %s\n", r.Memory)
	}
}

// SQLite is the database of a Machine that runs in the portal's own process.
const SQLite = "SQLite in the portal's process"

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// Err returns an error if an account or a mail was lost or a step failed.
func (r Report) Err() error {
	n, some := r.failures()
	var lost []string
	if n > 0 {
		lost = append(lost, fmt.Sprintf("%d failed (%v)", n, some[0]))
	}
	if !r.Proof.Whole() {
		lost = append(lost, fmt.Sprintf("something was lost: %+v", r.Proof))
	}
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("bench: %s", strings.Join(lost, "; "))
}
