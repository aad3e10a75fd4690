package sheet

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Shared strings are stored in groups, each a run of length-prefixed strings.
const (
	groupSize = 64
	cacheSize = 128 // groups in memory
)

// shared holds the shared strings of an XLSX in a temporary file. Only the
// offsets of the groups and the groups read last are in memory.
type shared struct {
	file    *os.File
	offsets []int64
	count   int
	size    int64
	cache   [cacheSize]group
	buffer  []byte
}

type group struct {
	number int // index of the group plus one; 0: this place of the cache is empty
	text   []string
}

// newShared copies the shared strings into a file under dir.
func newShared(dir string, t *tokens) (_ *shared, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "strings"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &shared{file: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	out := bufio.NewWriterSize(file, 64<<10)
	var text strings.Builder
	inText, phonetic := false, false
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "si":
				text.Reset()
			case "rPh":
				phonetic = true
			case "t":
				inText = !phonetic
			}
		case xml.CharData:
			if inText && text.Len() < maxText {
				text.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "t":
				inText = false
			case "rPh":
				phonetic = false
			case "si":
				if err := s.add(out, unescape(text.String())); err != nil {
					return nil, err
				}
			}
		}
	}
	return s, out.Flush()
}

func (s *shared) add(out *bufio.Writer, text string) error {
	if len(text) > maxText {
		text = text[:maxText]
	}
	if s.count%groupSize == 0 {
		s.offsets = append(s.offsets, s.size)
	}
	s.count++
	head := binary.AppendUvarint(nil, uint64(len(text)))
	s.size += int64(len(head) + len(text))
	if _, err := out.Write(head); err != nil {
		return err
	}
	_, err := out.WriteString(text)
	return err
}

// at returns a string by its index.
func (s *shared) at(index int) (string, error) {
	if s == nil || index < 0 || index >= s.count {
		return "", ErrUnreadable
	}
	number := index / groupSize
	g := &s.cache[number%cacheSize]
	if g.number != number+1 {
		if err := s.load(g, number); err != nil {
			return "", err
		}
	}
	return g.text[index%groupSize], nil
}

func (s *shared) load(g *group, number int) error {
	end := s.size
	if number+1 < len(s.offsets) {
		end = s.offsets[number+1]
	}
	length := int(end - s.offsets[number])
	if cap(s.buffer) < length {
		s.buffer = make([]byte, length)
	}
	raw := s.buffer[:length]
	if _, err := s.file.ReadAt(raw, s.offsets[number]); err != nil {
		return err
	}
	g.number, g.text = number+1, g.text[:0]
	for len(raw) > 0 {
		size, n := binary.Uvarint(raw)
		g.text = append(g.text, string(raw[n:n+int(size)]))
		raw = raw[n+int(size):]
	}
	return nil
}

func (s *shared) close() error {
	if s == nil {
		return nil
	}
	return s.file.Close()
}
