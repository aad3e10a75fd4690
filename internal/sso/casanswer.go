package sso

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// casNamespace is the namespace of each element of a response (CAS Protocol
// 3.0, appendix A).
const casNamespace = "http://www.yale.edu/tp/cas"

// element is an XML element of a response.
type element struct {
	name     string
	code     string // value of the attribute code, which a failure has
	text     string
	children []*element
}

func (e *element) all(name string) (found []*element) {
	for _, c := range e.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// errNoCAS means that a response is not a response of the CAS protocol.
var errNoCAS = errors.New("no CAS answer")

// deepest is the maximum depth of elements: response, success, attributes,
// attribute.
const deepest = 4

// parseCAS parses a response. It refuses constructs that the protocol does not
// use but that attacks use: document types and therefore entities, processing
// instructions, other namespaces, text and children in the same element, and
// elements deeper than deepest.
func parseCAS(raw []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	var root *element
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: not complete XML", errNoCAS)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root == nil && (t.Name.Local != "serviceResponse" || t.Name.Space != casNamespace) {
				return nil, fmt.Errorf("%w: it begins with another element", errNoCAS)
			}
			if t.Name.Space != casNamespace || root != nil && len(open) == 0 || len(open) >= deepest {
				return nil, errors.New("an unexpected element")
			}
			e := &element{name: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Local == "code" {
					e.code = a.Value
				}
			}
			if root == nil {
				root = e
			} else {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			last := open[len(open)-1]
			if len(last.children) > 0 && strings.TrimSpace(last.text) != "" {
				return nil, errors.New("text between elements")
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, fmt.Errorf("%w: text outside", errNoCAS)
			}
		case xml.Comment:
			// A comment is refused: another parser could read a user name that
			// contains one as two parts.
			if len(open) > 0 {
				return nil, errors.New("a comment within")
			}
		case xml.ProcInst:
			if t.Target != "xml" || root != nil {
				return nil, errors.New("an instruction")
			}
		case xml.Directive:
			if bytes.HasPrefix(bytes.ToLower(t), []byte("doctype html")) {
				return nil, fmt.Errorf("%w: a page", errNoCAS)
			}
			return nil, errors.New("a document type")
		}
	}
}

// readCAS returns the identity in a response. It returns ErrUnavailable if the
// response is not one of CAS, and ErrToken if it is invalid or reports a
// failure.
func readCAS(raw []byte) (Identity, error) {
	root, err := parseCAS(raw)
	if errors.Is(err, errNoCAS) {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if len(root.children) != 1 {
		return Identity{}, fmt.Errorf("%w: %d outcomes", ErrToken, len(root.children))
	}
	switch outcome := root.children[0]; outcome.name {
	case "authenticationSuccess":
		return casIdentity(outcome)
	case "authenticationFailure":
		return Identity{}, casFailure(outcome.code)
	}
	return Identity{}, fmt.Errorf("%w: neither success nor failure", ErrToken)
}

// casFailure converts the error codes of CAS Protocol 3.0 §2.5.3. An unknown
// code is not copied into the error, and so not logged.
func casFailure(code string) error {
	switch code {
	case "INTERNAL_ERROR":
		return fmt.Errorf("%w: %s", ErrUnavailable, code)
	case "INVALID_TICKET", "INVALID_SERVICE", "INVALID_TICKET_SPEC", "INVALID_REQUEST", "UNAUTHORIZED_SERVICE_PROXY", "INVALID_PROXY_CALLBACK":
		return fmt.Errorf("%w: %s", ErrToken, code)
	}
	return fmt.Errorf("%w: server reports an error", ErrToken)
}

func casIdentity(success *element) (Identity, error) {
	users, groups := success.all("user"), success.all("attributes")
	switch {
	case len(users) != 1 || len(users[0].children) > 0 || strings.TrimSpace(users[0].text) == "":
		return Identity{}, fmt.Errorf("%w: %d users", ErrToken, len(users))
	case len(success.all("proxies")) > 0:
		return Identity{}, fmt.Errorf("%w: a proxy's ticket", ErrToken)
	case len(groups) > 1:
		return Identity{}, fmt.Errorf("%w: more than one element attributes", ErrToken)
	}
	user := strings.TrimSpace(users[0].text)
	who := Identity{Subject: user, Login: user, Name: user}
	values := map[string][]string{}
	if len(groups) == 1 {
		for _, a := range groups[0].children {
			if _, seen := values[a.name]; !seen {
				who.Claims = append(who.Claims, Claim{Name: a.name})
			}
			if len(a.children) > 0 {
				return Identity{}, fmt.Errorf("%w: an attribute contains elements", ErrToken)
			}
			values[a.name] = append(values[a.name], strings.TrimSpace(a.text))
		}
	}
	who.Claims = slices.DeleteFunc(who.Claims, func(c Claim) bool { return aboutTheLogin[c.Name] })
	for i, c := range who.Claims {
		who.Claims[i].Value = strings.Join(values[c.Name], ", ")
	}
	for _, name := range []string{"cn", "name", "displayName"} {
		if v := values[name]; len(v) == 1 && v[0] != "" {
			who.Name = v[0]
		}
	}
	// A CAS server that delegates the login to Keycloak and releases this claim
	// provides Keycloak's user id.
	if v := values["sub"]; len(v) == 1 {
		who.Account = v[0]
	}
	return who, nil
}

// aboutTheLogin lists the attributes that describe the login and not the user
// (CAS Protocol 3.0 §2.5.7, and those of Apereo CAS).
var aboutTheLogin = map[string]bool{
	"authenticationDate": true, "longTermAuthenticationRequestTokenUsed": true, "isFromNewLogin": true,
	"authenticationMethod": true, "successfulAuthenticationHandlers": true, "credentialType": true, "samlAuthenticationStatementAuthMethod": true,
	"clientName": true, "clientIpAddress": true, "serverIpAddress": true, "userAgent": true, "geoLocation": true,
}
