package sheet

import (
	"bufio"
	"bytes"
	"errors"
)

// scan calls see with the name of each row, cell and mergeCell tag of a sheet,
// without parsing the XML. It stops if see returns false.
func (a *parts) scan(file string, see func(tag string, raw []byte) bool) error {
	p, err := a.open(file, maxSheet)
	if err != nil {
		return err
	}
	defer p.Close()
	tags := bufio.NewScanner(p)
	tags.Buffer(make([]byte, 64<<10), maxToken)
	tags.Split(func(data []byte, end bool) (int, []byte, error) {
		if at := bytes.IndexByte(data, '>'); at >= 0 {
			return at + 1, data[:at+1], nil
		}
		if end {
			return len(data), nil, nil
		}
		return 0, nil, nil
	})
	for tags.Scan() {
		raw := tags.Bytes()
		at := bytes.LastIndexByte(raw, '<')
		if at < 0 {
			continue
		}
		raw = raw[at:]
		if name := nameOf(raw); name != "" && !see(name, raw) {
			return nil
		}
	}
	switch err := tags.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return ErrTooLarge
	case err != nil:
		return single(err)
	}
	return nil
}

// nameOf returns the name of a start tag without its prefix if it is row, c or
// mergeCell.
func nameOf(raw []byte) string {
	end := 1
	for end < len(raw) && raw[end] != ' ' && raw[end] != '>' && raw[end] != '/' && raw[end] != '\t' && raw[end] != '\n' && raw[end] != '\r' {
		end++
	}
	name := raw[1:end]
	if at := bytes.IndexByte(name, ':'); at >= 0 {
		name = name[at+1:]
	}
	switch string(name) {
	case "row":
		return "row"
	case "c":
		return "c"
	case "mergeCell":
		return "mergeCell"
	}
	return ""
}
