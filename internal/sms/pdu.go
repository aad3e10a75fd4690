package sms

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Commands of SMPP 3.4, section 5.1.2.1. The answer to a command has the highest bit.
const (
	cmdGenericNack = 0x80000000
	cmdSubmit      = 0x00000004
	cmdDeliver     = 0x00000005
	cmdUnbind      = 0x00000006
	cmdTransceiver = 0x00000009
	cmdEnquireLink = 0x00000015
	answerBit      = 0x80000000
)

// Statuses of SMPP 3.4, section 5.1.3, that the client tells apart.
const (
	statusOK            = 0x00000000
	statusLength        = 0x00000001
	statusCommand       = 0x00000003
	statusSource        = 0x0000000a
	statusDestination   = 0x0000000b
	statusQueueFull     = 0x00000014
	statusSourceType    = 0x00000048
	statusDestType      = 0x00000050
	statusDestPlan      = 0x00000051
	statusThrottled     = 0x00000058
	statusUnknownError  = 0x000000ff
	interfaceVersion34  = 0x34
	deliveryReceipt     = 0x04 // message type in esm_class
	messageTypeMask     = 0x3c
	headerIndicator     = 0x40 // esm_class: the text begins with a user data header
	tagReceiptedMessage = 0x001e
	tagMessageState     = 0x0427
)

// mostPDU is the largest PDU that is read, in octets.
const mostPDU = 64 << 10

// pdu is a protocol data unit.
type pdu struct {
	command, status, sequence uint32
	body                      []byte
}

func (p pdu) write(w io.Writer) error {
	out := make([]byte, 16, 16+len(p.body))
	binary.BigEndian.PutUint32(out, uint32(16+len(p.body)))
	binary.BigEndian.PutUint32(out[4:], p.command)
	binary.BigEndian.PutUint32(out[8:], p.status)
	binary.BigEndian.PutUint32(out[12:], p.sequence)
	_, err := w.Write(append(out, p.body...))
	return err
}

func readPDU(r io.Reader) (p pdu, err error) {
	var header [16]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return p, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size < 16 || size > mostPDU {
		return p, fmt.Errorf("a PDU of %d octets", size)
	}
	p = pdu{binary.BigEndian.Uint32(header[4:]), binary.BigEndian.Uint32(header[8:]), binary.BigEndian.Uint32(header[12:]), make([]byte, size-16)}
	_, err = io.ReadFull(r, p.body)
	return p, err
}

// builder writes the fields of a body.
type builder struct{ bytes.Buffer }

func (b *builder) text(s string) *builder {
	b.WriteString(s)
	b.WriteByte(0)
	return b
}

func (b *builder) octets(o ...byte) *builder {
	b.Write(o)
	return b
}

// errShort means that a body ends too early.
var errShort = errors.New("the PDU is too short")

// parser reads the fields of a body. After an error all reads return zero values.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) text() string {
	i := bytes.IndexByte(p.rest, 0)
	if i < 0 {
		p.rest, p.err = nil, errShort
		return ""
	}
	s := string(p.rest[:i])
	p.rest = p.rest[i+1:]
	return s
}

func (p *parser) octets(n int) []byte {
	if n > len(p.rest) {
		p.rest, p.err = nil, errShort
		return make([]byte, n)
	}
	out := p.rest[:n]
	p.rest = p.rest[n:]
	return out
}

// options reads the optional parameters at the end of a body.
func (p *parser) options() map[uint16][]byte {
	out := map[uint16][]byte{}
	for len(p.rest) >= 4 && p.err == nil {
		tag, size := binary.BigEndian.Uint16(p.rest), int(binary.BigEndian.Uint16(p.rest[2:]))
		p.octets(4)
		out[tag] = p.octets(size)
	}
	return out
}

// delivery is the content of a deliver_sm that the client uses.
type delivery struct {
	class   byte
	text    string
	options map[uint16][]byte
}

// parseDelivery reads the body of a deliver_sm (section 4.6.1).
func parseDelivery(body []byte) (delivery, error) {
	p := parser{rest: body}
	p.text()
	p.octets(2)
	p.text()
	p.octets(2)
	p.text()
	d := delivery{class: p.octets(1)[0]}
	p.octets(2)
	p.text()
	p.text()
	p.octets(4)
	d.text = string(p.octets(int(p.octets(1)[0])))
	d.options = p.options()
	return d, p.err
}
