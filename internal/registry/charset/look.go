package charset

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxLine is the length in bytes of the longest line.
const MaxLine = 1 << 20

const (
	chunk      = 256 << 10
	maxSamples = 2000
	maxSample  = 400 // bytes
)

// Evidence is what a whole file says about its encoding.
type Evidence struct {
	Name string // of the encoding, or of the code page for the lines that are not UTF-8
	Mark bool   // the file begins with a byte order mark
	// Mixed reports that the file has lines in UTF-8 and Foreign lines that are
	// not.
	Mixed   bool
	Foreign int
	// Others are the code pages of lines in which the file's one gives no
	// plausible letters; OtherLines is how many of the lines looked at they are.
	Others     []string
	OtherLines int
	// Doubtful reports that another code page, Second, gives letters that are
	// nearly as plausible.
	Doubtful bool
	Second   string
	// Examples are the first words that are not ASCII as they were decoded.
	Examples []string
	CR       bool // lines end with a carriage return alone
	Binary   bool // it is no text
}

// Look reads a file to its end. If name is not empty, it is taken for the
// encoding.
func Look(r io.Reader, name string) (Evidence, error) {
	l := &looker{Evidence: Evidence{Name: UTF8}}
	buffer := make([]byte, chunk+utf8.UTFMax)
	kept, first := 0, true
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		data := buffer[:kept+n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return l.Evidence, err
		}
		if first {
			if l.head(data); l.Name != UTF8 || l.Binary {
				return l.Evidence, nil
			}
			if l.Mark {
				data = data[3:]
			}
			first = false
		}
		used := len(data)
		if !end {
			used = bytes.LastIndexByte(data, l.newline()) + 1
			if used == 0 {
				used = len(data) - partial(data)
			}
		}
		if l.see(data[:used]); l.Binary || end {
			break
		}
		kept = copy(buffer, data[used:])
	}
	l.decide(name)
	return l.Evidence, nil
}

// partial returns the length of a character that is cut off at the end.
func partial(data []byte) int {
	for n := 1; n < utf8.UTFMax && n < len(data); n++ {
		if c := data[len(data)-n]; c >= 0xc0 && !utf8.FullRune(data[len(data)-n:]) {
			return n
		}
	}
	return 0
}

// looker reads the bytes of a text and collects the Evidence for its encoding.
type looker struct {
	Evidence
	utf8    bool // a character of several bytes was seen in a valid line
	samples [][]byte
}

func (l *looker) newline() byte {
	if l.CR {
		return '\r'
	}
	return '\n'
}

// head looks at the beginning: its mark, UTF-16 without one, and what ends a
// line.
func (l *looker) head(data []byte) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		l.Mark = true
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")):
		l.Binary = true
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		l.Name, l.Mark = UTF16LE, true
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		l.Name, l.Mark = UTF16BE, true
	default:
		var zeros [2]int
		for i, b := range data {
			if b == 0 {
				zeros[i%2]++
			}
		}
		half := len(data) / 2
		switch {
		case half > 4 && zeros[1] > half*6/10 && zeros[0] < half/20+1:
			l.Name = UTF16LE
		case half > 4 && zeros[0] > half*6/10 && zeros[1] < half/20+1:
			l.Name = UTF16BE
		case binary(data):
			l.Binary = true
		}
	}
	l.CR = bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') >= 0
	if l.Name != UTF8 {
		order := [2][]byte{{'\n', 0}, {'\r', 0}}
		if l.Name == UTF16BE {
			order = [2][]byte{{0, '\n'}, {0, '\r'}}
		}
		l.CR = !bytes.Contains(data, order[0]) && bytes.Contains(data, order[1])
	}
}

// binary reports whether bytes are no text: too many are NUL. A few refuse the
// lines that hold them, and those at the end fill a block.
func binary(data []byte) bool {
	data = bytes.TrimRight(data, padding)
	return bytes.Count(data, []byte{0}) > 1+len(data)/1000
}

// see looks at whole lines.
func (l *looker) see(data []byte) {
	if binary(data) {
		l.Binary = true
		return
	}
	if utf8.Valid(data) {
		l.valid(data)
		return
	}
	for line := range bytes.SplitSeq(data, []byte{l.newline()}) {
		if utf8.Valid(line) {
			l.valid(line)
			continue
		}
		l.Foreign++
		if len(l.samples) < maxSamples {
			l.samples = append(l.samples, bytes.Clone(line[:min(len(line), maxSample)]))
		}
	}
}

func (l *looker) valid(data []byte) {
	if !l.utf8 {
		l.utf8 = utf8.RuneCount(data) < len(data)
	}
}

// decide chooses the code page for the lines that are not UTF-8.
func (l *looker) decide(name string) {
	if l.Foreign == 0 && name == "" {
		return
	}
	l.Mixed = (l.utf8 || l.Mark) && l.Foreign > 0
	best, second := pages[0], (*page)(nil)
	most, next := 0, 0
	for i, p := range pages {
		sum := 0
		for _, s := range l.samples {
			sum += p.weigh(s, l.Mixed)
		}
		switch {
		case i == 0:
			most = sum
		case sum > most:
			best, second, most, next = p, best, sum, most
		case second == nil || sum > next:
			if !l.same(best, p) {
				second, next = p, sum
			}
		}
	}
	if given := pageOf(name); given != nil {
		best, second = given, nil
		l.Mixed = false
	} else if name != "" {
		l.Name = name
		return
	}
	l.Name = best.name
	if name == "" {
		l.others(best)
	}
	if second != nil && !l.same(best, second) && (most <= 0 || next > 0 && most-next < max(3, most/10)) {
		l.Doubtful, l.Second = true, second.name
	}
	if most < 0 {
		l.Doubtful = true
	}
	l.Examples = l.words(best, "")
	if name == "" && (best.name == Windows1252 || best.name == Latin9) {
		turkish := l.words(best, turkishBytes)
		if len(turkish) > 0 && (len(turkish) == maxWords || len(l.words(best, onlyTurkishBytes)) > 0) {
			l.Doubtful, l.Second, l.Examples = true, Windows1254, turkish
		}
	}
}

// onlyTurkishBytes are ğ, ş and their capitals in Windows-1254, which are the letters ð
// and þ of Icelandic in Windows-1252. turkishBytes are these, and ı and its capital, whose
// bytes are ý and Ý in Windows-1252: that letter is also Czech and Faroese, so that a few
// words such as Novotný make nothing doubtful.
const (
	onlyTurkishBytes = "\xd0\xde\xf0\xfe"
	turkishBytes     = onlyTurkishBytes + "\xdd\xfd"
)

// maxWords is how many examples of words are kept.
const maxWords = 3

// others finds the lines that are in another code page than the file.
func (l *looker) others(best *page) {
	for _, s := range l.samples {
		if p := best.of(s, l.Mixed); p != best {
			l.OtherLines++
			if !slices.Contains(l.Others, p.name) {
				l.Others = append(l.Others, p.name)
			}
		}
	}
}

// same reports whether two pages give the same text for the samples.
func (l *looker) same(a, b *page) bool {
	for _, s := range l.samples {
		for _, c := range s {
			if a.runes[c] != b.runes[c] {
				return false
			}
		}
	}
	return true
}

// words returns the first different words, at most maxWords, that have bytes outside
// UTF-8 as the page decodes them. If some is not empty, only words with at least one of
// its bytes are returned.
func (l *looker) words(p *page, some string) []string {
	var out []string
	for _, s := range l.samples {
		for _, w := range bytes.FieldsFunc(s, func(r rune) bool { return r < utf8.RuneSelf && bytes.ContainsRune([]byte(";,\t \"|"), r) }) {
			if utf8.Valid(w) || some != "" && !slices.ContainsFunc(w, func(c byte) bool { return strings.IndexByte(some, c) >= 0 }) {
				continue
			}
			if word := p.of(s, l.Mixed).decode(w, l.Mixed); !slices.Contains(out, word) {
				out = append(out, word)
			}
			if len(out) == maxWords {
				return out
			}
		}
	}
	return out
}
