package bench

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// The hour of the invitation has its share, and its first minutes three times the mean
// of the hour.
func TestArrivals_FollowTheDay(t *testing.T) {
	const n = 40_000
	all := Arrivals(n, 8*time.Hour, 20*time.Hour, rand.New(rand.NewPCG(1, 1)))
	if len(all) != n || !slices.IsSorted(all) || all[0] < 8*time.Hour || all[n-1] >= 20*time.Hour {
		t.Fatalf("%d arrivals from %s to %s", len(all), all[0], all[len(all)-1])
	}
	in := func(from, to time.Duration) float64 {
		first, _ := slices.BinarySearch(all, from)
		last, _ := slices.BinarySearch(all, to)
		return float64(last-first) / n
	}
	hour, start := in(9*time.Hour, 10*time.Hour), in(9*time.Hour, 9*time.Hour+3*time.Minute)
	if hour < .23 || hour > .26 {
		t.Errorf("%.3f of the students in the hour of the invitation, want a quarter", hour)
	}
	if burst := start * 20 / hour; burst < 2.6 || burst > 3.3 {
		t.Errorf("the first minutes have %.2f × the mean of the hour, want 3 ×", burst)
	}
	if got, want := PeakShare(8*time.Hour, 20*time.Hour), start/3; got < want*.9 || got > want*1.2 {
		t.Errorf("peak share %.4f, want about %.4f", got, want)
	}
	if one := Arrivals(1, 9*time.Hour, 9*time.Hour+time.Minute, rand.New(rand.NewPCG(1, 1))); one[0]/time.Minute != 9*60 {
		t.Errorf("an arrival at %s in a day of one minute", one[0])
	}
}

func TestFirstOut_NamesTheEarliest(t *testing.T) {
	slow := Sample{At: 9*time.Hour + 30*time.Minute, Oldest: map[string]time.Duration{"account": 6 * time.Second}, HashTook: 4 * time.Second}
	for _, tt := range []struct {
		signs []Sign
		want  string
	}{
		{nil, "Nothing ran out."},
		{slow.Signs(), "First ran out: Keycloak at 09:30."},
		{Sample{Oldest: map[string]time.Duration{"mail": tooLong}, At: time.Hour}.Signs(), "First ran out: jobs of mails at 01:00."},
		{Sample{Oldest: map[string]time.Duration{"mail": tooLong}, At: time.Hour, Busy: 1}.Signs(), "First ran out: jobs of mails (all processors busy) at 01:00."},
		{Sample{Busy: 1}.Signs(), "Nothing ran out."},
		{Sample{Database: tooLong, At: time.Hour}.Signs(), "First ran out: the database at 01:00."},
		{Sample{HashTook: tooLong - 1, Requests: 400, Hashes: 9}.Signs(), "Nothing ran out."},
		{append(slow.Signs(), Sign{9 * time.Hour, limitTotal}, Sign{8 * time.Hour, limitNetwork}, Sign{8*time.Hour + 5*time.Minute, limitNetwork}),
			"First ran out: mails per network at 08:00; later: mails altogether at 09:00, Keycloak at 09:30."},
	} {
		if got := FirstOut(tt.signs); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.signs, got, tt.want)
		}
	}
}

// Queues are read by kind; the mean number of hashes follows from the growth of the sum
// of their times.
func TestSampleOf_ReadsTheMetrics(t *testing.T) {
	const hashes, account = "entree_password_hash_seconds", `{kind="account"}`
	s := sampleOf(map[string]float64{
		hashes + "_sum": 7, hashes + "_count": 12, "entree_database_jobs_waiting" + account: 3, "entree_database_jobs_oldest_seconds" + account: 1.5,
		`entree_http_request_seconds_sum{route="/a"}`: 2, `entree_http_request_seconds_sum{route="/b"}`: 5,
	}, map[string]float64{hashes + "_sum": 3, hashes + "_count": 10, `entree_http_request_seconds_sum{route="/b"}`: 3}, 2*time.Second)
	if s.Hashes != 2 || s.HashTook != 2*time.Second || s.Requests != 2 || s.Waiting["account"] != 3 || s.Oldest["account"] != 1500*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

// A student who waited and has no account is lost, and one account too many is found;
// a student who gave up is neither.
func TestProve_FindsTheLostAndTheDouble(t *testing.T) {
	o := Outcome{Visits: []Visit{
		{Login: "a", Patient: true, Arrived: true, End: endFinished}, {Login: "b", Arrived: true, End: endGaveUp}, {Login: "c", Patient: true},
	}}
	none := Visit{Login: "d", Patient: true, Arrived: true, End: endUnderWay}
	for _, tt := range []struct {
		visits   []Visit
		accounts int
		fails    bool
	}{
		{o.Visits, 1, false},
		{o.Visits, 2, true},
		{append(slices.Clone(o.Visits), none), 1, true},
		{[]Visit{{Login: "x", Arrived: true, End: endFinished}}, 0, true},
	} {
		p, err := Outcome{Visits: tt.visits}.Prove(tt.accounts, func(login string) (bool, error) { return login == "a", nil })
		if err != nil || (p.Err() != nil) != tt.fails {
			t.Errorf("%v: %v %v", tt.visits, err, p.Err())
		}
	}
}

// Most students share an address, and most mails come within half a minute.
func TestThePeopleOfADay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	shared, addresses := 0, map[string]int{}
	for i := range 1000 {
		n := networkOf(i, r)
		addresses[n.address]++
		if n.shared {
			shared++
		} else if addresses[n.address] > 1 {
			t.Errorf("two students have the line %s", n.address)
		}
	}
	if shared < 570 || shared > 670 || len(addresses) != 7+1000-shared {
		t.Errorf("%d of 1000 share %d addresses", shared, len(addresses)-1000+shared)
	}
	last := time.Duration(0)
	for u := 0.0; u < .99; u += .001 {
		d, ok := mailDelay(u)
		if !ok || d < last || u < .86 && d > 30*time.Second {
			t.Errorf("%.3f: %s %v after %s", u, d, ok, last)
		}
		last = d
	}
	if _, ok := mailDelay(.995); ok {
		t.Error("no mail is lost")
	}
}

// The stand-in refuses a name that it has, and finds the user, so that a retry after a
// lost answer makes no second account.
func TestStandIn_KeepsEachNameOnce(t *testing.T) {
	s := NewStandIn("r")
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/admin/realms/r/users"+path, strings.NewReader(body)))
		return w
	}
	for _, want := range []int{http.StatusCreated, http.StatusConflict} {
		if got := ask("POST", "", `{"username":"a"}`); got.Code != want {
			t.Errorf("%d, want %d", got.Code, want)
		}
	}
	if found := ask("GET", "?exact=true&username=a", "").Body.String(); !strings.Contains(found, `"username":"a"`) || s.Users() != 1 || !s.Has("a") || s.Has("b") {
		t.Errorf("%d users, found %s", s.Users(), found)
	}
	if found := ask("GET", "?exact=true&username=b", "").Body.String(); strings.TrimSpace(found) != "[]" {
		t.Errorf("found %s", found)
	}
}
