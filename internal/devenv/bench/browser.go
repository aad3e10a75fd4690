package bench

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/html"
)

// browser is the browser of one visitor, with its own connections, cookies and
// cache. It follows redirects and submits complete forms, as a browser without
// scripts does.
type browser struct {
	client *http.Client
	wire   *atomic.Int64 // bytes received, headers included
	kept   map[string]bool
	at     *url.URL
	page   page
	asked  int // number of requests so far
}

// page is the parsed content of a response.
type page struct {
	status  int
	forms   []form
	links   []string // href of each a
	parts   []string // URLs of the style sheet, script and icon
	copies  []string // the texts of the copy buttons
	mono    []string // text of each element of the class "mono"
	text    string   // text of the title and of error messages
	refresh bool     // the page asks the browser to reload it
}

type form struct {
	action string
	values url.Values
}

const patience = 90 * time.Second

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // cannot fail without a list of public suffixes
	b := &browser{wire: &atomic.Int64{}, kept: map[string]bool{}}
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	b.client = &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{
		DisableCompression:  true, // the browser requests and counts compression itself
		MaxIdleConnsPerHost: 2,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			return &counted{c, b.wire}, err
		},
	}}
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

func (b *browser) close() { b.client.CloseIdleConnections() }

func (b *browser) get(ctx context.Context, address string) error {
	return b.send(ctx, http.MethodGet, address, nil)
}

// submit submits the form whose action contains a text, with the form's values
// and the typed ones.
func (b *browser) submit(ctx context.Context, action string, typed map[string]string) error {
	for _, f := range b.page.forms {
		if !strings.Contains(f.action, action) {
			continue
		}
		for name, value := range typed {
			f.values.Set(name, value)
		}
		to, err := b.at.Parse(f.action)
		if err != nil {
			return err
		}
		return b.send(ctx, http.MethodPost, to.String(), f.values)
	}
	return fmt.Errorf("%s has no form for %s: %s", b.at.Path, action, b.page.text)
}

func (b *browser) send(ctx context.Context, method, address string, values url.Values) error {
	response, err := b.do(ctx, method, address, values)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	b.at = response.Request.URL
	body, err := unpacked(response)
	if err != nil {
		return err
	}
	b.page, err = read(body)
	b.page.status, b.page.refresh = response.StatusCode, response.Header.Get("Refresh") != ""
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %s", method, b.at.Path, response.Status, b.page.text)
	}
	_, _ = io.Copy(io.Discard, response.Body) // reads the rest, so that the connection can be reused
	return err
}

func (b *browser) do(ctx context.Context, method, address string, values url.Values) (*http.Response, error) {
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Accept", "text/html,*/*;q=0.8")
	h.Set("Accept-Encoding", "gzip")
	h.Set("Accept-Language", "fr-FR,fr;q=0.9")
	h.Set("User-Agent", "Mozilla/5.0 (entree bench)")
	if values != nil {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
		h.Set("Sec-Fetch-Site", "same-origin")
	}
	b.asked++
	return b.client.Do(request)
}

// parts fetches the page's style sheet, script and icon unless they are cached.
func (b *browser) parts(ctx context.Context) error {
	for _, part := range b.page.parts {
		if b.kept[part] {
			continue
		}
		at, err := b.at.Parse(part)
		if err != nil {
			return err
		}
		response, err := b.do(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s: %w", at.Path, response.Status, err)
		}
		b.kept[part] = strings.Contains(response.Header.Get("Cache-Control"), "immutable")
	}
	return nil
}

func unpacked(response *http.Response) (io.Reader, error) {
	if response.Header.Get("Content-Encoding") != "gzip" {
		return response.Body, nil
	}
	return gzip.NewReader(response.Body)
}

// read parses the parts of a page that this package uses.
func read(body io.Reader) (page, error) {
	var p page
	var open *form
	var into *[]string // destination of the next text
	var words strings.Builder
	says := false
	for tokens := html.NewTokenizer(body); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			p.text = strings.Join(strings.Fields(words.String()), " ")
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return p, err
			}
			return p, nil
		case html.TextToken:
			if into != nil {
				*into = append(*into, string(tokens.Text()))
				into = nil
			} else if says {
				words.Write(tokens.Text())
			}
		case html.EndTagToken:
			says = false
			if name, _ := tokens.TagName(); string(name) == "form" {
				open = nil
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := tokens.Token()
			a := attributes(t)
			switch t.Data {
			case "form":
				p.forms = append(p.forms, form{a["action"], url.Values{}})
				open = &p.forms[len(p.forms)-1]
			case "input":
				choice := a["type"] == "radio" || a["type"] == "checkbox"
				if _, checked := a["checked"]; open != nil && a["name"] != "" && (!choice || checked) {
					open.values.Set(a["name"], a["value"])
				}
			case "a":
				p.links = append(p.links, a["href"])
			case "link":
				if a["rel"] == "stylesheet" || a["rel"] == "icon" {
					p.parts = append(p.parts, a["href"])
				}
			case "script":
				if a["src"] != "" {
					p.parts = append(p.parts, a["src"])
				}
			case "title":
				says = true
			case "button":
				if a["data-copy"] != "" {
					p.copies = append(p.copies, a["data-copy"])
				}
			case "span":
				if a["class"] == "mono" {
					into = &p.mono
				}
				says = says || strings.Contains(a["id"], "error")
			}
			if strings.Contains(a["class"], "error") || a["role"] == "alert" {
				words.WriteByte(' ')
				says = true
			}
		}
	}
}

func attributes(t html.Token) map[string]string {
	out := make(map[string]string, len(t.Attr))
	for _, a := range t.Attr {
		out[a.Key] = a.Val
	}
	return out
}
