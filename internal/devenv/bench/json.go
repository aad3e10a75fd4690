package bench

import (
	"encoding/json"
	"math"
	"time"
)

// JSON returns the report as one line, for programs.
func (r Report) JSON() ([]byte, error) {
	round := func(f float64) float64 { return math.Round(f*1000) / 1000 }
	ratios, spread, marks := map[string]float64{}, map[string][2]float64{}, map[string]bool{}
	for _, x := range r.Ratios() {
		ratios[x.Key], spread[x.Key] = round(x.Median), [2]float64{round(x.Low), round(x.High)}
		if x.Mark != 0 {
			marks[x.Key] = x.Holds()
		}
	}
	type way struct {
		PerSecond float64            `json:"per_second"`
		CoreMS    map[string]float64 `json:"core_ms"`
		Failures  int                `json:"failures"`
	}
	ways := map[string]way{}
	for name, rounds := range r.Ways {
		part := func(f func(Cost) time.Duration) float64 {
			return round(r.of(name, func(x Round) float64 { return x.Each(f(x.Cost)) }).Median)
		}
		w := way{PerSecond: round(r.of(name, Round.PerSecond).Median), CoreMS: map[string]float64{
			"together": round(r.of(name, Round.cost).Median), "keycloak": part(func(c Cost) time.Duration { return c.Keycloak }),
			"database": part(func(c Cost) time.Duration { return c.Database }), "compilers_not_counted": part(func(c Cost) time.Duration { return c.Compilers }),
		}}
		if d := part(func(c Cost) time.Duration { return c.Directory }); d > 0 {
			w.CoreMS["directory"] = d
		}
		switch name {
		case NameActivation:
			w.CoreMS["portal"] = part(func(c Cost) time.Duration { return c.Portal })
		case NameRegistration, NameKratos:
		default:
			w.CoreMS["caller"] = part(func(c Cost) time.Duration { return c.Caller })
		}
		for _, x := range rounds {
			w.Failures += len(x.Errors)
		}
		ways[name] = w
	}
	type line struct {
		Line
		P50 float64 `json:"p50_ms"`
		P95 float64 `json:"p95_ms"`
		P99 float64 `json:"p99_ms"`
	}
	ms := func(d time.Duration) float64 { return round(float64(d.Microseconds()) / 1000) }
	var lines []line
	for _, l := range r.Lines() {
		lines = append(lines, line{l, ms(l.P50), ms(l.P95), ms(l.P99)})
	}
	failures, _ := r.failures()
	return json.Marshal(map[string]any{
		"ratios": ratios, "spread": spread, "marks_hold": marks, "ways": ways, "steps": lines, "proof": r.Proof, "nothing_lost": r.Proof.Whole(),
		"failures": failures, "keycloak_hash_to_xcrypto": round(r.Hash().Median), "machine": r.Machine, "memory": r.Memory,
		"students": r.Students, "rounds": r.Rounds, "warm_up": r.Warm, "concurrency": r.Pace.AtOnce, "rate": r.Pace.Rate,
	})
}
