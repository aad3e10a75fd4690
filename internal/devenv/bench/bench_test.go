package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func invented() Report {
	rounds := func(name string, own, keycloak time.Duration) []Round {
		var out []Round
		for i := range 3 {
			c := Cost{Keycloak: 10 * keycloak}
			if name == NameActivation {
				c.Portal = 10 * own
			} else {
				c.Caller = 10 * own
			}
			out = append(out, Round{Name: name, Done: 10, Took: time.Duration(i+1) * time.Second, Cost: c})
		}
		return out
	}
	ms := time.Millisecond
	r := Report{
		Machine: ThisMachine("17", "26", SQLite), Students: 10, Rounds: 3, Pace: Pace{AtOnce: 2},
		Ways: map[string][]Round{
			NameActivation: rounds(NameActivation, 25*ms, 15*ms), NameRegistration: rounds(NameRegistration, 7*ms, 100*ms), NameLimit: rounds(NameLimit, 22*ms, 10*ms),
			NameFastest: rounds(NameFastest, 10*ms, 10*ms),
		},
		Proof: Proof{Activated: 30, Counted: 30, Found: 30, Mails: 60, Tried: 2, LoggedIn: 2},
	}
	var j Journey
	j.add("welcome", 3*ms, 4000)
	r.Ways[NameActivation][0].Journeys = []Journey{j}
	return r
}

func TestRatiosAreOfWhatEachOneCosts(t *testing.T) {
	want := map[string]float64{"cost_to_limit": 1.25, "cost_to_registration": 0.4, "keycloak_to_bare": 1.5, "cost_to_fastest": 2, "rate_to_registration": 1}
	for _, x := range invented().Ratios() {
		if d := x.Median - want[x.Key]; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s is %g, want %g", x.Key, x.Median, want[x.Key])
		}
		if x.Holds() != (x.Mark == 0 || x.Key == "cost_to_registration") {
			t.Errorf("%s holds: %t", x.Key, x.Holds())
		}
		delete(want, x.Key)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// The report states the cost of Keycloak's hash, because the alternatives in
// which Keycloak hashes depend on it.
func TestTheHashOfKeycloakIsTold(t *testing.T) {
	r := invented()
	if h := r.Hash(); h != (Figure{}) {
		t.Errorf("without a POST with the password there is %+v", h)
	}
	for _, limit := range r.Ways[NameLimit] { // 22 ms for the hash, 10 for the account
		limit.Name, limit.Cost.Keycloak = NamePlain, 10*54*time.Millisecond
		r.Ways[NamePlain] = append(r.Ways[NamePlain], limit)
	}
	var out strings.Builder
	r.Print(&out)
	if h := r.Hash(); h.Median != 2 || !strings.Contains(out.String(), "hash cost 2.0 × that of x/crypto") {
		t.Errorf("%+v\n%s", h, &out)
	}
}

// The cost of a database process is added to the contestant that it serves.
func TestADatabaseBelongsToTheCost(t *testing.T) {
	r := invented()
	r.Machine.Database = "PostgreSQL"
	for _, rounds := range r.Ways {
		for i := range rounds {
			rounds[i].Cost.Database = 40 * time.Millisecond // 4 ms each
		}
	}
	if got := r.of(NameLimit, Round.cost).Median; got != 36 {
		t.Errorf("the limit costs %g, want 22 + 10 + 4", got)
	}
	var out strings.Builder
	r.Print(&out)
	if strings.Count(out.String(), "  4.0  ") != 4 {
		t.Errorf("not every way has its share of the database:\n%s", &out)
	}
}

func TestOneLineOfJSON(t *testing.T) {
	line, err := invented().JSON()
	if err != nil || strings.Contains(string(line), "\n") {
		t.Fatalf("%s %v", line, err)
	}
	var got struct {
		Ratios map[string]float64
		Steps  []struct {
			Step string
			P50  float64 `json:"p50_ms"`
		}
		NothingLost bool `json:"nothing_lost"`
	}
	if err := json.Unmarshal(line, &got); err != nil || got.Ratios["cost_to_limit"] != 1.25 || len(got.Steps) != 2 || got.Steps[0].P50 != 3 || !got.NothingLost {
		t.Errorf("%+v %v", got, err)
	}
}

func TestThePictureIsWellFormed(t *testing.T) {
	for d := xml.NewDecoder(strings.NewReader(string(invented().SVG()))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A run that lost an account is a failure.
func TestWhatIsLostIsAnError(t *testing.T) {
	r := invented()
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	for name, lose := range map[string]func(*Report){
		"an account":   func(r *Report) { r.Proof.Counted-- },
		"a second one": func(r *Report) { r.Proof.Counted++ },
		"a mail":       func(r *Report) { r.Proof.Mails-- },
		"a login":      func(r *Report) { r.Proof.LoggedIn-- },
		"everybody":    func(r *Report) { r.Proof = Proof{} },
		"a try":        func(r *Report) { r.Ways[NameLimit][0].Errors = []error{io.ErrUnexpectedEOF} },
	} {
		r := invented()
		lose(&r)
		if r.Err() == nil {
			t.Errorf("%s was lost, and nobody says so", name)
		}
	}
}
