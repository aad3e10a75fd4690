package sso

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Claim is a claim of an ID token or an attribute of a CAS response, as text.
type Claim struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// protocol lists the claims that describe the token and not the user (OpenID
// Connect Core 1.0 §2; RFC 7519 §4.1; Keycloak's session state).
var protocol = map[string]bool{
	"iss": true, "aud": true, "exp": true, "iat": true, "nbf": true, "jti": true, "azp": true, "nonce": true,
	"at_hash": true, "c_hash": true, "auth_time": true, "acr": true, "amr": true, "sid": true, "session_state": true, "typ": true,
}

// inOrder returns the members of a JSON object in their order, without the
// claims in protocol. Decoding into a map would lose the order.
func inOrder(object json.RawMessage) ([]Claim, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("claims: not a JSON object: %w", err)
	}
	var claims []Claim
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		if n := name.(string); !protocol[n] {
			claims = append(claims, Claim{Name: n, Value: asText(value)})
		}
	}
	return claims, nil
}

func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = asText(p)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		b, _ := json.Marshal(v) // v was decoded from JSON
		return string(b)
	}
	return fmt.Sprint(value)
}
