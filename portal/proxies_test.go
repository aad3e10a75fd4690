package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"entree/portal"
)

// V7: forms of further proxies, translators and load balancers. An entry that names no
// visitor is reported, and nothing that the visitor wrote to its left is read.
func TestV7_FurtherFormsOfProxies(t *testing.T) {
	xff := func(lines ...string) http.Header { return http.Header{"X-Forwarded-For": lines} }
	forwarded := func(lines ...string) http.Header { return http.Header{"Forwarded": lines} }
	const proxy = "192.0.2.7/32"
	for name, tt := range map[string]struct {
		header   http.Header
		client   string
		reported bool
	}{
		"Node.js: a mapped address joined with its port":   {xff("::ffff:203.0.113.5:41000"), "203.0.113.5/32", false},
		"NAT64: one visitor of many behind a translator":   {xff("64:ff9b::203.0.113.5"), "203.0.113.5/32", false},
		"NAT64 in hexadecimal, with a port":                {xff("[64:ff9b::cb00:7105]:5000"), "203.0.113.5/32", false},
		"HAProxy adds a line":                              {xff("198.51.100.1", "203.0.113.5"), "203.0.113.5/32", false},
		"three lines, the last of a trusted proxy":         {xff("198.51.100.1", "203.0.113.5", "192.0.2.9"), "203.0.113.5/32", false},
		"IIS ARR: address and port":                        {xff("203.0.113.5:61234"), "203.0.113.5/32", false},
		"IPv4 in brackets with a port":                     {xff("[203.0.113.5]:61234"), "203.0.113.5/32", false},
		"capitals and all digits of IPv6":                  {xff("2001:0DB8:0001:0002:0003:0000:0000:0009"), "2001:db8:1:2::/64", false},
		"tabs between entries":                             {xff("198.51.100.1,\t203.0.113.5\t"), "203.0.113.5/32", false},
		"empty entries in the middle":                      {xff("198.51.100.1,, ,203.0.113.5,"), "203.0.113.5/32", false},
		"no space after the comma":                         {xff("198.51.100.1,203.0.113.5,192.0.2.9"), "203.0.113.5/32", false},
		"a mapped address of a trusted proxy, with a port": {xff("203.0.113.5, ::ffff:192.0.2.10:80"), "203.0.113.5/32", false},
		"a chain of trusted proxies alone":                 {xff("192.0.2.9, 192.0.2.8"), "192.0.2.9/32", false},
		"an empty header":                                  {xff(""), proxy, false},
		"Forwarded on two lines":                           {forwarded("for=198.51.100.1", "for=203.0.113.5;proto=https"), "203.0.113.5/32", false},
		"Forwarded, all parameters, capitals":              {forwarded(`BY=192.0.2.7;FOR=203.0.113.5;HOST=mon-compte.exemple.fr;PROTO=https`), "203.0.113.5/32", false},
		"Forwarded, spaces around the separators":          {forwarded(`for = 203.0.113.5 ; proto = https`), "203.0.113.5/32", false},
		"Forwarded, semicolon at the end":                  {forwarded(`for=203.0.113.5;`), "203.0.113.5/32", false},
		"Forwarded, a mapped address with a port":          {forwarded(`for="[::ffff:203.0.113.5]:443"`), "203.0.113.5/32", false},
		"Forwarded, a zone":                                {forwarded(`for="[fe80::1%25eth0]:9"`), "fe80::/64", false},
		"Forwarded, NAT64":                                 {forwarded(`for="[64:ff9b::203.0.113.5]"`), "203.0.113.5/32", false},
		"Forwarded, an extension with a comma in quotes":   {forwarded(`for=203.0.113.5;ext="a,for=198.51.100.1"`), "203.0.113.5/32", false},
		"no address":           {xff("198.51.100.1, 0.0.0.0"), proxy, true},
		"no address of IPv6":   {xff("198.51.100.1, ::"), proxy, true},
		"a group of receivers": {xff("198.51.100.1, 224.0.0.1"), proxy, true},
		"a network":            {xff("198.51.100.1, 203.0.113.0/24"), proxy, true},
		"leading zeros, which some read as octal": {xff("198.51.100.1, 203.000.113.005"), proxy, true},
		"a name":                           {xff("198.51.100.1, proxy.exemple.fr"), proxy, true},
		"a URL":                            {xff("198.51.100.1, http://203.0.113.5/"), proxy, true},
		"IPv6 with a port and no brackets": {xff("198.51.100.1, 2001:db8:0:1:2:3:4:5:443"), proxy, true},
		"a number":                         {xff("198.51.100.1, 3405803781"), proxy, true},
		"two addresses without a comma":    {xff("198.51.100.1, 203.0.113.5 203.0.113.6"), proxy, true},
		"Forwarded, an empty address":      {forwarded(`for=198.51.100.1, for=""`), proxy, true},
		"Forwarded in the other header":    {xff("198.51.100.1, for=203.0.113.5"), proxy, true},
	} {
		w := newWorld(t, func(o *portal.Options) { o.TrustedProxies = []string{"192.0.2.0/24"} })
		b := w.browser(t)
		b.header = tt.header
		b.begin(known)
		if w.service.clients[tt.client] != 1 {
			t.Errorf("%s: counted as %v, want %s", name, w.service.clients, tt.client)
		}
		if told := strings.Contains(w.log.String(), "cannot be parsed"); told != tt.reported {
			t.Errorf("%s: reported: %v", name, told)
		}
	}
}
