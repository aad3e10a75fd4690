package bench

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entree/internal/devenv/scripted"
)

// visitor is one student of the simulated day.
type visitor struct {
	*scripted.Student
	temper  temper
	network network
	factor  float64
	r       *rand.Rand
	refused func(limit string, n network)
	journey Journey

	setbacks int // refusals and further codes, after which an impatient student gives up
}

// end is how a visitor's day ended.
type end string

const (
	endFinished end = "finished"
	endGaveUp   end = "gave up"
	endUnderWay end = "on the way" // the run ended first
	endParked   end = "parked"     // an administrator must decide, which is wrong for these students
)

// patienceOfImpatient is the number of setbacks that an impatient student accepts.
const patienceOfImpatient = 4

// behindProxy is a browser's transport behind the trusted proxy, which names the
// network. It counts the further codes that are asked for.
type behindProxy struct {
	*http.Transport
	v *visitor
}

// RoundTrip implements http.RoundTripper.
func (t behindProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", t.v.network.address)
	if strings.HasPrefix(r.URL.Path, "/activation/renvoi") { // one at a time: no race
		t.v.setbacks++
		t.v.Patience *= 2
	}
	return t.Transport.RoundTrip(r)
}

func newVisitor(p scripted.Person, portal string, box scripted.Box, i int, factor float64, r *rand.Rand, refused func(string, network)) *visitor {
	v := &visitor{Student: scripted.NewStudent(p, portal, slowBox{box, factor}, nil), temper: temperOf(r), network: networkOf(i, r), factor: factor, r: r, refused: refused}
	v.Browser = scripted.NewBrowser(nil, patience)
	v.Client.Transport = behindProxy{v.Client.Transport.(*http.Transport), v}
	v.Patience = v.real(v.temper.patience)
	if v.temper.impatient {
		v.Twice = 2
	}
	return v
}

// real returns a time of the simulated day as a time of the machine.
func (v *visitor) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / v.factor)
}

// live goes the whole way, with the visitor's detours. It returns when the visitor has
// an account, gives up, or ctx is done.
func (v *visitor) live(ctx context.Context) end {
	v.measured(ctx, "welcome", func() error { return v.Get(ctx, v.Portal+"/") })
	v.begin(ctx)
	for ctx.Err() == nil {
		limit := refusal(v.Student)
		switch {
		case limit != "":
			v.refused(limit, v.network)
			v.setbacks++
		case v.Outcome == scripted.Success, v.Outcome == scripted.Already:
			return endFinished
		case v.Outcome == scripted.Parked:
			return endParked
		}
		if v.temper.impatient && v.setbacks > patienceOfImpatient {
			return endGaveUp
		}
		switch {
		case limit != "":
			seconds, _ := strconv.Atoi(v.Header.Get("Retry-After")) // 0: at once
			v.sleep(ctx, time.Duration(seconds)*time.Second)
			if v.Outcome = ""; v.At.Path == "/activation" || v.At.Path == codePage {
				v.begin(ctx)
			} else {
				v.Doc = nil // find out where the activation continues
			}
		case v.Outcome == scripted.Waits: // no tries are left
			v.Outcome = ""
			v.begin(ctx)
		default:
			v.detour(ctx)
			name := ""
			if v.Doc != nil {
				name = stepName(v.Student)
			}
			v.measured(ctx, name, func() error { return v.Step(ctx) })
		}
	}
	return endUnderWay
}

// begin opens the first page.
func (v *visitor) begin(ctx context.Context) {
	v.measured(ctx, "request", func() error { return v.Get(ctx, v.Portal+"/activation?profil="+v.Profile) })
}

// stepName returns the name of the step that a student's page asks for.
func stepName(s *scripted.Student) string {
	if s.At.Path == codePage && s.HasCode() {
		return "charter"
	}
	return stepFrom[s.At.Path]
}

// measured performs an act and notes its time if it succeeds and has a name. After an
// error of the connection the visitor opens the page again.
func (v *visitor) measured(ctx context.Context, name string, act func() error) {
	begun, bytes := time.Now(), v.Bytes()
	err := act()
	if err == nil && v.Doc != nil {
		err = v.Parts(ctx)
	}
	if err != nil {
		v.At, v.Doc = nil, nil
		v.sleep(ctx, 300*time.Millisecond)
		return
	}
	if name != "" && v.Status < http.StatusBadRequest {
		v.journey.add(name, time.Since(begun), v.Bytes()-bytes)
	}
}

// detour lets the visitor read the page, load it again, begin again in a second tab, or
// leave and come back.
func (v *visitor) detour(ctx context.Context) {
	v.sleep(ctx, v.real(time.Duration(v.r.ExpFloat64()*float64(v.temper.pause))))
	if v.Doc == nil || v.Status != http.StatusOK {
		return
	}
	if v.r.Float64() < reloads {
		v.measured(ctx, "", func() error { return v.Get(ctx, v.At.String()) })
		return
	}
	if v.At.Path != codePage {
		return
	}
	switch {
	case v.temper.away > 0:
		v.sleep(ctx, v.real(v.temper.away))
		v.temper.away = 0
		v.begin(ctx)
	case v.temper.secondTab:
		v.temper.secondTab = false
		v.begin(ctx)
	}
}

func (v *visitor) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// The limits that can refuse a visitor. The last two are no lack of room: the visitor was
// too fast.
const (
	limitNetwork  = "mails per network"
	limitTotal    = "mails altogether"
	limitHashes   = "hash places"
	limitRequests = "request places"
	limitAddress  = "mails per address"
	limitWrong    = "wrong codes"
	limitSoon     = "next code too soon"
	limitAgain    = "same password again"
)

// refusal returns the limit that refused the request whose page a student sees, or "".
// The page of an act keeps its form; an error page of the whole portal has none.
func refusal(s *scripted.Student) string {
	if s.Doc == nil || s.Status != http.StatusTooManyRequests && s.Status != http.StatusServiceUnavailable {
		return ""
	}
	path, busy := s.At.Path, s.Status == http.StatusServiceUnavailable
	switch {
	case busy && s.Form(path) == nil:
		return limitRequests
	case path == "/activation/mot-de-passe" && busy:
		return limitHashes
	case path == "/activation/mot-de-passe":
		return limitAgain
	case busy:
		return limitTotal
	case path == codePage:
		return limitWrong
	case strings.Contains(s.Errors(), "Un code vient de partir"):
		return limitSoon
	case strings.Contains(s.Errors(), "assez de messages"):
		return limitAddress
	}
	return limitNetwork
}
