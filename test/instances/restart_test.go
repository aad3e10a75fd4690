package instances_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// restartOneByOne restarts both instances in the documented order, while visitors
// load pages and send forms, and counts the requests that are lost: without an
// answer, or with an error of the server.
func (w *world) restartOneByOne(t *testing.T) {
	stop := make(chan struct{})
	var sent, lost atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Error(err)
				return
			}
			client := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			token := ""
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := client.Get(w.address() + "/activation?profil=etudiant")
				token = w.count(t, &sent, &lost, response, err)
				form := url.Values{"jeton": {token}, "profil": {"etudiant"}, "adresse": {"nobody@example.net"}}
				response, err = client.PostForm(w.address()+"/activation", form)
				w.count(t, &sent, &lost, response, err)
			}
		})
	}
	for _, i := range w.instances {
		time.Sleep(time.Second) // load before, between and after
		i.Stop()
		w.start(i)
		time.Sleep(3 * time.Second) // nginx's fail_timeout is 2 s
	}
	close(stop)
	all.Wait()
	if sent.Load() < 200 || lost.Load() > 0 {
		t.Errorf("%d of %d requests were lost", lost.Load(), sent.Load())
	}
	t.Logf("%d requests, %d lost", sent.Load(), lost.Load())
}

// count counts an answer and returns the form token of its page.
func (w *world) count(t *testing.T, sent, lost *atomic.Int64, response *http.Response, err error) (token string) {
	sent.Add(1)
	if err != nil {
		lost.Add(1)
		t.Log(err)
		return ""
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 500 {
		lost.Add(1)
		t.Log(response.Request.Method, response.Status, err)
		return ""
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(page)))
	if err != nil {
		return ""
	}
	token, _ = doc.Find("input[name=jeton]").Attr("value")
	return token
}
