package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// tokens reads the XML tokens of a part. Names come without their prefixes:
// writers differ in them. It keeps no stack of elements, so that a part of a
// million nested elements takes no memory.
type tokens struct {
	xml  *xml.Decoder
	part *part
	cut  *cut
}

// cut bounds one token.
type cut struct {
	r     io.Reader
	since int // bytes since the last token
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.since += n; c.since > maxToken {
		return 0, ErrTooLarge
	}
	return n, err
}

func (a *parts) tokens(name string, most int64) (*tokens, error) {
	p, err := a.open(name, most)
	if err != nil {
		return nil, err
	}
	c := &cut{r: transform.NewReader(p, unicode.BOMOverride(transform.Nop))}
	t := &tokens{xml: xml.NewDecoder(c), part: p, cut: c}
	t.xml.Strict = false
	t.xml.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return in, nil // decoded by its byte order mark
		}
		e, err := htmlindex.Get(label)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(in), nil
	}
	return t, nil
}

// next returns the next token, io.EOF at the end.
func (t *tokens) next() (xml.Token, error) {
	t.cut.since = 0
	token, err := t.xml.RawToken()
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, ErrTooLarge):
		return token, err
	default:
		return nil, ErrUnreadable
	}
}

func (t *tokens) close() error { return t.part.Close() }

// each calls see with every start element. It stops at an error of see.
func (t *tokens) each(see func(xml.StartElement) error) error {
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if start, ok := token.(xml.StartElement); ok && err == nil {
			err = see(start)
		}
		if err != nil {
			return err
		}
	}
}

// attr returns an attribute by its local name.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
