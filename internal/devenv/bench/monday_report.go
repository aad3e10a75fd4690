package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Proven holds the counts of accounts after a simulated day.
type Proven struct {
	Accounts int      `json:"accounts"` // created
	Found    int      `json:"found"`    // students who have one
	Lost     []string `json:"lost"`     // patient students without one, with their last page
}

// Prove looks for the account of every student who arrived; accounts is how many were
// created. A student who finished, or was patient, must have one.
func (o Outcome) Prove(accounts int, has func(login string) (bool, error)) (Proven, error) {
	p := Proven{Accounts: accounts, Lost: []string{}}
	for _, v := range o.Visits {
		if !v.Arrived {
			continue
		}
		ok, err := has(v.Login)
		if err != nil {
			return p, err
		}
		if ok {
			p.Found++
		}
		if !ok && (v.Patient || v.End == endFinished) || v.Patient && v.End != endFinished {
			p.Lost = append(p.Lost, fmt.Sprintf("%s: %s at %s", v.Login, v.End, v.At))
		}
	}
	return p, nil
}

// Err returns an error if a patient student was lost, or a student has two accounts.
func (p Proven) Err() error {
	switch {
	case len(p.Lost) > 0:
		return fmt.Errorf("%d students who waited were lost, the first one %s", len(p.Lost), p.Lost[0])
	case p.Accounts > p.Found:
		return fmt.Errorf("%d accounts for %d students", p.Accounts, p.Found)
	}
	return nil
}

// together returns the sums over all hours.
func (o Outcome) together() Hour {
	sum := Hour{Ended: map[end]int{}, Refused: map[string]int{}, Shared: map[string]int{}}
	add := func(to, from map[string]int) {
		for k, n := range from {
			to[k] += n
		}
	}
	for _, h := range o.Hours {
		sum.Arrived += h.Arrived
		for k, n := range h.Ended {
			sum.Ended[k] += n
		}
		add(sum.Refused, h.Refused)
		add(sum.Shared, h.Shared)
		sum.steps, sum.samples = append(sum.steps, h.steps...), append(sum.samples, h.samples...)
	}
	sum.OnTheWay = sum.Ended[endUnderWay]
	return sum
}

// most holds the greatest values of an hour's samples.
type most struct {
	mails, accounts, hashes, requests float64
	oldest, database                  time.Duration
	memory                            int64
	busy                              float64
}

func (h Hour) most() (m most) {
	for _, s := range h.samples {
		m.mails, m.accounts = max(m.mails, s.Waiting["mail"]), max(m.accounts, s.Waiting["account"])
		m.hashes, m.requests = max(m.hashes, s.Hashes), max(m.requests, s.Requests)
		m.oldest = max(m.oldest, s.Oldest["mail"], s.Oldest["account"])
		m.database, m.memory = max(m.database, s.Database), max(m.memory, s.Memory)
		m.busy += s.Busy / float64(len(h.samples)) // the mean: an hour has moments in which all are busy
	}
	return m
}

// Steps returns how long students waited at each step, over the whole day.
func (o Outcome) Steps() []Line {
	return Report{Ways: map[string][]Round{NameActivation: {{Journeys: o.together().steps}}}}.Lines()
}

// Print writes the day by its hours, the waits by step, the refusals and the cost.
func (o Outcome) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "hour\tarrived\tfinished\ton the way\tgave up\trefused\tmail jobs\taccount jobs\toldest job\thashes\trequests\tdatabase\tmemory\tprocessors\t")
	row := func(name string, h Hour) {
		refused, m := 0, h.most()
		for _, n := range h.Refused {
			refused += n
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%.1f s\t%.1f\t%.1f\t%d ms\t%d MB\t%.0f %%\t\n", name, h.Arrived, h.Ended[endFinished], h.OnTheWay, h.Ended[endGaveUp], refused,
			m.mails, m.accounts, m.oldest.Seconds(), m.hashes, m.requests, m.database.Milliseconds(), m.memory>>20, 100*m.busy)
	}
	for i, h := range o.Hours {
		name := clock(o.from + time.Duration(i)*time.Hour)
		if i == len(o.Hours)-1 {
			name = "after"
		}
		row(name, h)
	}
	all := o.together()
	row("in all", all)
	_ = t.Flush() // to the terminal
	fmt.Fprintln(out, "\nThe queues are the longest of each hour; hashes and requests under way or waiting; database: to read the metrics from it;\nprocessors: the whole machine, other programs included, as a mean.\n\nWaits in real time, the mail's own way included:")
	for _, l := range o.Steps() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", l.Step, l.P50.Round(time.Millisecond), l.P95.Round(time.Millisecond), l.P99.Round(time.Millisecond))
	}
	_ = t.Flush()
	fmt.Fprintln(out, "\nRefused:", refusals(all))
	each := func(d time.Duration) float64 {
		return float64(d.Microseconds()) / 1000 / float64(max(1, all.Ended[endFinished]))
	}
	fmt.Fprintf(out, "For each student who finished, in core-ms: portal %.1f, Keycloak %.1f, database %.1f, the students' browsers %.1f. %s in all.\n\n%s\n",
		each(o.Cost.Portal), each(o.Cost.Keycloak), each(o.Cost.Database), each(o.Cost.Caller), o.Took.Round(time.Second), FirstOut(o.Signs))
}

// refusals writes how often each limit refused.
func refusals(h Hour) string {
	var parts []string
	for _, limit := range slices.Sorted(maps.Keys(h.Refused)) {
		parts = append(parts, fmt.Sprintf("%s %d, of them %d in shared networks", limit, h.Refused[limit], h.Shared[limit]))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

// Summary returns the day for JSON.
func (o Outcome) Summary() map[string]any {
	all := o.together()
	waits := map[string][3]int64{}
	for _, l := range o.Steps() {
		waits[l.Step] = [3]int64{l.P50.Milliseconds(), l.P95.Milliseconds(), l.P99.Milliseconds()}
	}
	var hours []any
	for i, h := range o.Hours {
		m := h.most()
		hours = append(hours, map[string]any{
			"from": clock(o.from + time.Duration(i)*time.Hour), "counts": h, "mail_jobs": m.mails, "account_jobs": m.accounts, "oldest_job_ms": m.oldest.Milliseconds(),
			"hashes": m.hashes, "requests": m.requests, "database_ms": m.database.Milliseconds(), "memory_bytes": m.memory, "processors": m.busy,
		})
	}
	return map[string]any{"hours": hours, "together": all, "p50_p95_p99_ms": waits, "first_out": FirstOut(o.Signs), "seconds": o.Took.Seconds()}
}
