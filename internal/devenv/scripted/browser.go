package scripted

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// Browser is the browser of one visitor, with its own connections, cookies and
// cache. It follows redirects and submits complete forms, as a browser without
// scripts does.
type Browser struct {
	Client *http.Client // sends one request and does not follow redirects
	// Leave, if set, reports whether an address is outside the visited sites. The
	// browser does not follow a redirect to it and shows the redirect itself.
	Leave func(*url.URL) bool

	At     *url.URL // nil before the first page
	Status int
	Header http.Header
	Doc    *goquery.Document // nil before the first page

	bytes, requests atomic.Int64
	cached          map[string]bool
}

// NewBrowser returns a browser that waits for a response for at most timeout.
// Its connections come from the loopback address from; a nil from leaves the
// choice to the system.
func NewBrowser(from net.IP, timeout time.Duration) *Browser {
	jar, _ := cookiejar.New(nil) // fails with options only
	b := &Browser{cached: map[string]bool{}}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	b.Client = &http.Client{
		Jar: jar, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 2,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, address)
				return &counted{c, &b.bytes}, err
			},
		},
	}
	return b
}

// counted counts the bytes received on a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// Close closes the idle connections.
func (b *Browser) Close() { b.Client.CloseIdleConnections() }

// Bytes returns the number of bytes received so far, including headers.
func (b *Browser) Bytes() int64 { return b.bytes.Load() }

// Requests returns the number of requests so far, including redirects and the
// parts of pages.
func (b *Browser) Requests() int { return int(b.requests.Load()) }

// Where describes the current page: its path and status.
func (b *Browser) Where() string {
	if b.At == nil {
		return "no page"
	}
	return fmt.Sprintf("%s (%d)", b.At.Path, b.Status)
}

// Text returns the text of the page, or of its elements that match a CSS
// selector. Each run of white space, no-break spaces included, is one space.
func (b *Browser) Text(selector string) string {
	return strings.Join(strings.Fields(b.Doc.Find(selector).Text()), " ")
}

// Errors returns the title of the page and its error messages, at most 200 bytes.
func (b *Browser) Errors() string {
	var words []string
	b.Doc.Find("h1, [role=alert], .error, [id*=error]").Each(func(_ int, e *goquery.Selection) {
		words = append(words, strings.Fields(e.Text())...)
	})
	return fmt.Sprintf("%.200s", strings.Join(words, " "))
}

// Get opens an address, relative to the current page.
func (b *Browser) Get(ctx context.Context, address string) error {
	target, err := b.resolve(address)
	if err != nil {
		return err
	}
	response, err := b.Send(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	return b.Show(ctx, response)
}

func (b *Browser) resolve(address string) (string, error) {
	if b.At == nil {
		return address, nil
	}
	to, err := b.At.Parse(address)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

// Submit submits the form of an action with its own values and the typed ones,
// and shows the page that the response leads to.
func (b *Browser) Submit(ctx context.Context, action string, typed map[string]string) error {
	values, target, err := b.Fill(action, typed)
	if err != nil {
		return err
	}
	response, err := b.Send(ctx, http.MethodPost, target, values)
	if err != nil {
		return err
	}
	return b.Show(ctx, response)
}

// Form returns the first form with the method post whose action's path ends
// with this one, or that has a button with such an action. It returns nil if there is
// none.
func (b *Browser) Form(action string) *goquery.Selection {
	form, _ := b.formAndTarget(action)
	return form
}

// formAndTarget returns the form of an action and the address that it is sent to.
func (b *Browser) formAndTarget(action string) (*goquery.Selection, string) {
	leads := func(e *goquery.Selection, attribute string) bool {
		to, err := b.At.Parse(e.AttrOr(attribute, ""))
		return err == nil && strings.HasSuffix(to.Path, action)
	}
	forms := b.Doc.Find("form[method=post]")
	form := forms.FilterFunction(func(_ int, f *goquery.Selection) bool { return leads(f, "action") }).First()
	if form.Length() > 0 {
		return form, form.AttrOr("action", "")
	}
	button := forms.Find("button[formaction]").FilterFunction(func(_ int, e *goquery.Selection) bool { return leads(e, "formaction") }).First()
	if button.Length() > 0 {
		return button.Closest("form"), button.AttrOr("formaction", "")
	}
	return nil, ""
}

// Fill returns the values of a form with the typed ones, and the URL that they
// go to. It returns an error if the page has no such form, or the form no such
// field.
func (b *Browser) Fill(action string, typed map[string]string) (values url.Values, target string, err error) {
	form, to := b.formAndTarget(action)
	if form == nil {
		return nil, "", fmt.Errorf("%s has no form for %s: %s", b.Where(), action, b.Errors())
	}
	values = url.Values{}
	form.Find("input[name]").Each(func(_ int, i *goquery.Selection) {
		kind := i.AttrOr("type", "")
		if _, checked := i.Attr("checked"); (kind == "radio" || kind == "checkbox") && !checked {
			return
		}
		if _, disabled := i.Attr("disabled"); !disabled {
			values.Set(i.AttrOr("name", ""), i.AttrOr("value", ""))
		}
	})
	for name, value := range typed {
		if form.Find(`[name="`+name+`"]`).Not("[disabled]").Length() == 0 {
			return nil, "", fmt.Errorf("the form for %s at %s has no field %s", action, b.Where(), name)
		}
		values.Set(name, value)
	}
	target, err = b.resolve(to)
	return values, target, err
}

// Send sends one request. It changes neither the page nor its address, and it
// is safe for concurrent use.
func (b *Browser) Send(ctx context.Context, method, target string, values url.Values) (*http.Response, error) {
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Accept", "text/html,*/*;q=0.8")
	h.Set("Accept-Language", "fr-FR,fr;q=0.9")
	h.Set("User-Agent", "Mozilla/5.0 (scripted student)")
	if values != nil {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
		h.Set("Sec-Fetch-Site", "same-origin")
	}
	b.requests.Add(1)
	return b.Client.Do(request)
}

// maxRedirects is the number of redirects in a row after which Show gives up.
const maxRedirects = 20

// Show follows the redirects of a response and makes the last page the current
// one.
func (b *Browser) Show(ctx context.Context, response *http.Response) error {
	for range maxRedirects {
		to, err := response.Location()
		if err != nil || response.StatusCode < 300 || response.StatusCode > 399 || b.Leave != nil && b.Leave(to) {
			return b.read(response)
		}
		_, _ = io.CopyN(io.Discard, response.Body, 2<<10) // an unread body would close the connection
		_ = response.Body.Close()
		b.At = to
		if response, err = b.Send(ctx, http.MethodGet, to.String(), nil); err != nil {
			return err
		}
	}
	_ = response.Body.Close()
	return fmt.Errorf("more than %d redirects, the last one to %s", maxRedirects, b.At)
}

func (b *Browser) read(response *http.Response) error {
	defer response.Body.Close()
	doc, err := goquery.NewDocumentFromReader(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return err
	}
	b.At, b.Status, b.Header, b.Doc = response.Request.URL, response.StatusCode, response.Header, doc
	return nil
}

// Parts fetches the page's style sheets, scripts and icons that are not cached.
func (b *Browser) Parts(ctx context.Context) error {
	var parts []string
	b.Doc.Find("link[rel=stylesheet], link[rel=icon], script[src]").Each(func(_ int, e *goquery.Selection) {
		parts = append(parts, e.AttrOr("href", e.AttrOr("src", "")))
	})
	for _, part := range parts {
		if b.cached[part] {
			continue
		}
		target, err := b.resolve(part)
		if err != nil {
			return err
		}
		response, err := b.Send(ctx, http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", target, response.Status)
		}
		b.cached[part] = strings.Contains(response.Header.Get("Cache-Control"), "immutable")
	}
	return nil
}
