package sms

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/loopback"
	"entree/internal/secret"
)

// HTTP describes an HTTP gateway. Empty fields have the values of the preset, if there
// is one. URL, Headers and Body are templates of the fields of [fields].
type HTTP struct {
	Preset      string
	URL         string
	Method      string            // default: POST
	Headers     map[string]string // name → template
	Body        string
	ContentType string // also says how values in Body are escaped: JSON, form or XML
	Success     string // regular expression that the body of an accepted text matches; empty: any
	Refused     string // regular expression for the refusal of a number; empty: none
	Account     string
	User        string
	Sender      string
	Secret      secret.Text
	Transport   Transport
}

// fields are the values in a template. They are escaped for the place of the template,
// except in headers, where they must not contain a line break.
type fields struct {
	To                            string // +33612345678
	Figures                       string // 33612345678
	Zeros                         string // 0033612345678
	National                      string // 0612345678 for a French number, otherwise as To
	Text                          string
	Lines                         string // Text with CR instead of LF
	ID                            string // the same at each attempt
	Sender, Account, User, Secret string
}

// presets are the gateways that need no template of the operator.
var presets = map[string]HTTP{
	// The web service of esup-smsu-api. url is the address of the service.
	"esup-smsu": {
		Headers: map[string]string{"Authorization": "Basic {{basic .User .Secret}}"}, ContentType: form,
		Body:    "action=SendSms&phoneNumber={{.National}}&message={{.Text}}{{with .Account}}&account={{.}}{{end}}",
		Refused: "InvalidParameterException",
	},
	// http2sms of OVHcloud. It answers 200 also if it refuses a text.
	"ovh": {
		Method:  http.MethodGet,
		URL:     "https://www.ovh.com/cgi-bin/sms/http2sms.cgi?account={{.Account}}&login={{.User}}&password={{.Secret}}&from={{.Sender}}&to={{.Zeros}}&message={{.Lines}}&noStop=1&contentType=application/json",
		Success: `"status"\s*:\s*1\d\d\b`, Refused: `"status"\s*:\s*20[12]\b`,
	},
	// Programmable Messaging of Twilio. The account's SID is the user of the API.
	"twilio": {
		URL:         "https://api.twilio.com/2010-04-01/Accounts/{{.Account}}/Messages.json",
		Headers:     map[string]string{"Authorization": "Basic {{basic .Account .Secret}}"},
		ContentType: form, Body: "To={{.To}}&From={{.Sender}}&Body={{.Text}}",
		Success: `"sid"\s*:`, Refused: `"code"\s*:\s*(21211|21214|21408|21610|21612|21614)\b`,
	},
	// REST API, version 1, of smsmode.
	"smsmode": {
		URL:         "https://rest.smsmode.com/sms/v1/messages",
		Headers:     map[string]string{"X-Api-Key": "{{.Secret}}", "Accept": "application/json"},
		ContentType: "application/json",
		Body:        `{"recipient":{"to":"{{.Figures}}"},"body":{"text":"{{.Text}}"},"from":"{{.Sender}}","refClient":"{{.ID}}"}`,
		Success:     `"messageId"\s*:`,
	},
}

const form = "application/x-www-form-urlencoded"

// Presets returns the names of the presets.
func Presets() []string {
	var out []string
	for name := range presets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// with returns the description with the preset's values for empty fields.
func (h HTTP) with(p HTTP) HTTP {
	for _, f := range []struct {
		to    *string
		value string
	}{
		{&h.URL, p.URL}, {&h.Method, p.Method}, {&h.Body, p.Body}, {&h.ContentType, p.ContentType}, {&h.Success, p.Success}, {&h.Refused, p.Refused},
	} {
		if *f.to == "" {
			*f.to = f.value
		}
	}
	if len(h.Headers) == 0 {
		h.Headers = p.Headers
	}
	if h.Method == "" {
		h.Method = http.MethodPost
	}
	if h.ContentType == "" {
		h.ContentType = form
	}
	return h
}

// httpGateway submits each text in one request.
type httpGateway struct {
	HTTP
	url, body *template.Template
	headers   map[string]*template.Template
	success   *regexp.Regexp
	refused   *regexp.Regexp
	escape    func(string) string
	client    *http.Client
}

// mostAnswer is the most of an answer that is read.
const mostAnswer = 64 << 10

// NewHTTP returns an HTTP gateway. It returns an error if a template, a regular
// expression or the address is not valid. The address must be https, except on
// loopback. Redirects are not followed: they would take the secret along.
func NewHTTP(h HTTP) (Gateway, error) {
	if h.Preset != "" {
		p, ok := presets[h.Preset]
		if !ok {
			return nil, fmt.Errorf("preset %q: want one of %s", h.Preset, strings.Join(Presets(), ", "))
		}
		h = h.with(p)
	} else {
		h = h.with(HTTP{})
	}
	g := &httpGateway{HTTP: h, headers: map[string]*template.Template{}}
	var errs []error
	parse := func(name, text string) *template.Template {
		t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"basic": basicAuth}).Parse(text)
		if err == nil {
			err = t.Execute(io.Discard, fields{})
		}
		errs = append(errs, err)
		return t
	}
	expression := func(name, text string) (out *regexp.Regexp) {
		if text == "" {
			return nil
		}
		out, err := regexp.Compile(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return out
	}
	g.url, g.body = parse("url", h.URL), parse("body", h.Body)
	for name, text := range h.Headers {
		g.headers[name] = parse("headers."+name, text)
	}
	g.success, g.refused = expression("success", h.Success), expression("refused", h.Refused)
	var err error
	if g.escape, err = escaper(h.ContentType); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if _, err := g.address(fields{}); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, h.Method) {
		return nil, fmt.Errorf("method %q: want POST, PUT or GET", h.Method)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: h.Transport.Roots, MinVersion: tls.VersionTLS12}
	transport.MaxIdleConnsPerHost = 4
	g.client = &http.Client{
		Timeout: h.Transport.timeout(), Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return g, nil
}

// escaper returns the function that escapes a value for a body of a media type.
func escaper(contentType string) (func(string) string, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("content_type %q: %w", contentType, err)
	}
	switch {
	case media == form:
		return url.QueryEscape, nil
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return escapeJSON, nil
	case strings.HasSuffix(media, "/xml"), strings.HasSuffix(media, "+xml"):
		return escapeXML, nil
	case media == "text/plain":
		return func(s string) string { return s }, nil
	}
	return nil, fmt.Errorf("content_type %q: want a form, JSON, XML or text/plain", contentType)
}

// escapeJSON escapes a value for use between quotes in JSON.
func escapeJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return "" // a string can always be marshalled
	}
	return string(quoted[1 : len(quoted)-1])
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder returns no error
	return b.String()
}

// basicAuth returns the credentials of HTTP Basic authentication.
func basicAuth(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// values returns the fields of a text, escaped.
func (g *httpGateway) values(t Text, escape func(string) string) fields {
	to := string(t.To)
	national := to
	if shown := strings.ReplaceAll(clean.NationalPhone(to), "\u00a0", ""); strings.HasPrefix(shown, "0") {
		national = shown
	}
	f := fields{
		To: to, Figures: strings.TrimPrefix(to, "+"), Zeros: "00" + strings.TrimPrefix(to, "+"), National: national,
		Text: t.Body, Lines: strings.ReplaceAll(t.Body, "\n", "\r"), ID: t.ID,
		Sender: g.Sender, Account: g.Account, User: g.User, Secret: g.Secret.Reveal(),
	}
	for _, s := range []*string{&f.To, &f.Figures, &f.Zeros, &f.National, &f.Text, &f.Lines, &f.ID, &f.Sender, &f.Account, &f.User, &f.Secret} {
		*s = escape(*s)
	}
	return f
}

// address returns the address of a request. Its error does not hold the address, which
// may contain a number and the secret.
func (g *httpGateway) address(f fields) (*url.URL, error) {
	var b strings.Builder
	if err := g.url.Execute(&b, f); err != nil {
		return nil, errors.New("url: the template failed")
	}
	u, err := url.Parse(b.String())
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("url: want https://…, without credentials before the host")
	case u.Scheme == "http" && !loopback.IsHost(u.Hostname()):
		return nil, errors.New("url: must be https, because texts contain codes; plain http is for this machine only")
	}
	return u, nil
}

func (g *httpGateway) request(ctx context.Context, t Text) (*http.Request, error) {
	u, err := g.address(g.values(t, url.QueryEscape))
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := g.body.Execute(&body, g.values(t, g.escape)); err != nil {
		return nil, errors.New("body: the template failed")
	}
	var content io.Reader
	if g.Method != http.MethodGet {
		content = &body
	}
	request, err := http.NewRequestWithContext(ctx, g.Method, u.String(), content)
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	if content != nil {
		request.Header.Set("Content-Type", g.ContentType)
	}
	for name, header := range g.headers {
		var b strings.Builder
		if err := header.Execute(&b, g.values(t, func(s string) string { return s })); err != nil || strings.ContainsAny(b.String(), "\r\n\x00") {
			return nil, fmt.Errorf("header %s: the template failed, or a value contains a line break", name)
		}
		request.Header.Set(name, b.String())
	}
	return request, nil
}

// Submit sends one request. A status of 2xx with a body that matches Success is an
// accepted text. 400, 404 and 422 are refusals of the text; every other answer may
// change: a limit, a quota, credentials that are being replaced.
func (g *httpGateway) Submit(ctx context.Context, t Text) error {
	request, err := g.request(ctx, t)
	if err != nil {
		return domain.Permanent(fmt.Errorf("sms: %w", err))
	}
	response, err := g.client.Do(request)
	if err != nil {
		return fmt.Errorf("sms: %w", inner(err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("sms: the answer of the gateway: %w", inner(err))
	}
	status := response.StatusCode
	switch {
	case g.refused != nil && g.refused.Match(answer):
		return domain.Permanent(fmt.Errorf("sms: the gateway answered %d: %w", status, errNumber))
	case status >= 200 && status < 300 && (g.success == nil || g.success.Match(answer)):
		return nil
	case status >= 200 && status < 300:
		return fmt.Errorf("sms: the gateway answered %d without the words of success", status)
	case status >= 300 && status < 400:
		return fmt.Errorf("sms: the gateway answered %d, and redirects are not followed", status)
	case status == http.StatusBadRequest, status == http.StatusNotFound, status == http.StatusUnprocessableEntity:
		return domain.Permanent(fmt.Errorf("sms: the gateway answered %d", status))
	}
	return fmt.Errorf("sms: the gateway answered %d", status)
}

// inner removes the address from an error of the HTTP client.
func inner(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Ready returns an error if the gateway's host cannot be connected to.
func (g *httpGateway) Ready(ctx context.Context) error {
	u, err := g.address(fields{})
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, g.HTTP.Transport.timeout())
	defer cancel()
	dial := (&net.Dialer{}).DialContext
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	if u.Scheme == "https" {
		dial = (&tls.Dialer{Config: &tls.Config{RootCAs: g.HTTP.Transport.Roots, MinVersion: tls.VersionTLS12}}).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return conn.Close()
}
