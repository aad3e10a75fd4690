package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"entree/internal/domain"
	"entree/internal/loopback"
	"entree/internal/secret"
)

// SMPP describes a centre that speaks SMPP 3.4.
type SMPP struct {
	Address    string // host:port
	TLS        bool   // without it the address must be on this machine or in a private network
	SystemID   string
	Password   secret.Text
	SystemType string
	Sender     string // up to 11 letters and figures, a number with +, or a short code
	Transport  Transport
	Every      time.Duration   // interval of enquire_link; 0: 30 seconds
	Receipt    func(r Receipt) // called for each delivery receipt; nil: they are dropped
}

// Receipt says what became of a text that the centre had accepted.
type Receipt struct {
	ID        string // of the Text; empty: accepted before the program started
	Delivered bool
	State     string // "DELIVRD", "UNDELIV", "EXPIRED"…
}

// mostOutstanding is the most submits that wait for an answer at once.
const mostOutstanding = 10

// mostReceipts is the number of accepted texts whose receipt is awaited.
const mostReceipts = 10_000

// Centre is a connection to an SMSC, opened when it is first needed and again after it
// was lost. It is safe for concurrent use. The caller must call Close.
type Centre struct {
	SMPP
	places chan struct{}

	dialing sync.Mutex // one attempt to connect at a time
	mu      sync.Mutex
	link    *link // nil: not connected
	closed  bool

	receipts  sync.Mutex
	accepted  map[string]string // message id of the centre → id of the text
	order     []string
	reference byte
}

// NewSMPP returns a Centre. It does not connect. It returns an error if a setting is
// not valid.
func NewSMPP(o SMPP) (*Centre, error) {
	host, _, err := net.SplitHostPort(o.Address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("address %q: want host:port", o.Address)
	case !o.TLS && !isPrivate(host):
		return nil, fmt.Errorf("address %q: want tls, because texts contain codes; without it the centre must have a private address", o.Address)
	case o.SystemID == "" || len(o.SystemID) > 15:
		return nil, errors.New("system_id: want 1 to 15 characters")
	case len(o.Password.Reveal()) > 8:
		return nil, errors.New("password: want 8 characters at most (SMPP 3.4)")
	case len(o.SystemType) > 12:
		return nil, errors.New("system_type: want 12 characters at most")
	}
	if o.Every == 0 {
		o.Every = 30 * time.Second
	}
	return &Centre{SMPP: o, places: make(chan struct{}, mostOutstanding), accepted: map[string]string{}}, nil
}

// isPrivate reports whether a host is this machine or an address of a private network.
func isPrivate(host string) bool {
	ip, err := netip.ParseAddr(host)
	return loopback.IsHost(host) || err == nil && ip.IsPrivate()
}

// link is one bound connection.
type link struct {
	conn    net.Conn
	write   sync.Mutex
	mu      sync.Mutex
	next    uint32
	waiting map[uint32]request
	down    chan struct{} // closed when the connection has ended
	err     error         // why, set before down is closed
}

// request is a request whose answer is awaited.
type request struct {
	answer chan pdu
	text   string // id of the text whose receipt will be awaited; empty: none
}

// errLost is the error of a submit whose answer did not arrive: its outcome is unknown.
var errLost = errors.New("the connection ended before the answer")

// Submit sends a text in as many segments as it needs.
func (c *Centre) Submit(ctx context.Context, t Text) error {
	ctx, cancel := context.WithTimeout(ctx, c.Transport.timeout())
	defer cancel()
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return fmt.Errorf("sms: no place to submit: %w", ctx.Err())
	}
	l, err := c.connect(ctx)
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	parts := segments(t.Body)
	if len(parts) > 255 {
		return domain.Permanent(errors.New("sms: the text is too long"))
	}
	reference := c.nextReference()
	for i, part := range parts {
		data, class := part.data, byte(0)
		if len(parts) > 1 {
			data, class = append([]byte{5, 0, 3, reference, byte(len(parts)), byte(i + 1)}, data...), headerIndicator
		}
		awaited := ""
		if i == len(parts)-1 {
			awaited = t.ID
		}
		answer, err := l.askFor(ctx, awaited, cmdSubmit, c.submit(t, class, part.coding, data))
		if err != nil {
			return fmt.Errorf("sms: %w", err)
		}
		if err := refusal(answer.status); err != nil {
			return err
		}
	}
	return nil
}

// submit returns the body of a submit_sm (section 4.4.1).
func (c *Centre) submit(t Text, class, coding byte, data []byte) []byte {
	ton, npi := numbering(c.Sender)
	var b builder
	b.text("").octets(ton, npi).text(strings.TrimPrefix(c.Sender, "+")).octets(1, 1).text(strings.TrimPrefix(string(t.To), "+"))
	b.octets(class, 0, 0).text("").text(validity(t.Life)).octets(1, 0, coding, 0, byte(len(data)))
	return b.octets(data...).Bytes()
}

var (
	number    = regexp.MustCompile(`^\+[0-9]{5,15}$`)
	shortCode = regexp.MustCompile(`^[0-9]{3,8}$`)
)

// numbering returns the type of number and the numbering plan of a sender.
func numbering(sender string) (ton, npi byte) {
	switch {
	case number.MatchString(sender):
		return 1, 1 // international, E.164
	case shortCode.MatchString(sender):
		return 3, 0 // of the network
	case sender == "":
		return 0, 0 // the centre's default
	}
	return 5, 0 // alphanumeric
}

// validity returns a relative time in the format of section 7.1.1.1, "" for none.
func validity(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	d = min(d, 48*time.Hour)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60)
}

// refusal returns the error for a status of the centre. It is permanent if the status
// names a fault of the text, the sender or the number.
func refusal(status uint32) error {
	switch status {
	case statusOK:
		return nil
	case statusDestination, statusDestType, statusDestPlan:
		return domain.Permanent(fmt.Errorf("sms: the centre answered 0x%08x: %w", status, errNumber))
	case statusLength, statusSource, statusSourceType:
		return domain.Permanent(fmt.Errorf("sms: the centre answered 0x%08x", status))
	case statusThrottled, statusQueueFull:
		return fmt.Errorf("sms: the centre is throttling: it answered 0x%08x", status)
	}
	return fmt.Errorf("sms: the centre answered 0x%08x", status)
}

func (c *Centre) nextReference() byte {
	c.receipts.Lock()
	defer c.receipts.Unlock()
	c.reference++
	return c.reference
}

// await remembers which text the centre gave an id to, until its receipt arrives or
// mostReceipts later texts were accepted.
func (c *Centre) await(id, text string) {
	c.receipts.Lock()
	defer c.receipts.Unlock()
	if len(c.order) == mostReceipts {
		delete(c.accepted, c.order[0])
		c.order = c.order[1:]
	}
	c.accepted[id], c.order = text, append(c.order, id)
}

// connect returns the bound connection, and makes one if there is none.
func (c *Centre) connect(ctx context.Context) (*link, error) {
	if l, err := c.current(); l != nil || err != nil {
		return l, err
	}
	c.dialing.Lock()
	defer c.dialing.Unlock()
	if l, err := c.current(); l != nil || err != nil {
		return l, err // another caller connected meanwhile
	}
	l, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.end(net.ErrClosed)
		return nil, net.ErrClosed
	}
	c.link = l
	return l, nil
}

func (c *Centre) current() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	if c.link != nil && c.link.isDown() {
		c.link = nil
	}
	return c.link, nil
}

// dial connects and binds as a transceiver.
func (c *Centre) dial(ctx context.Context) (*link, error) {
	dial := (&net.Dialer{}).DialContext
	if c.TLS {
		dial = (&tls.Dialer{Config: &tls.Config{RootCAs: c.Transport.Roots, MinVersion: tls.VersionTLS12}}).DialContext
	}
	conn, err := dial(ctx, "tcp", c.Address)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, waiting: map[uint32]request{}, down: make(chan struct{})}
	go c.read(l)
	var b builder
	b.text(c.SystemID).text(c.Password.Reveal()).text(c.SystemType).octets(interfaceVersion34, 0, 0).text("")
	answer, err := l.ask(ctx, cmdTransceiver, b.Bytes())
	if err == nil && answer.status != statusOK {
		err = fmt.Errorf("the centre refused the bind with 0x%08x", answer.status)
	}
	if err != nil {
		l.end(err)
		return nil, err
	}
	go c.keep(context.WithoutCancel(ctx), l) // the connection outlasts the call that opened it
	return l, nil
}

// keep asks the centre at intervals whether it is there, and ends a connection that
// does not answer.
func (c *Centre) keep(ctx context.Context, l *link) {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		select {
		case <-l.down:
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, c.Transport.timeout())
		_, err := l.ask(within, cmdEnquireLink, nil)
		cancel()
		if err != nil {
			l.end(err)
			return
		}
	}
}

// read answers the centre's requests and hands its answers to the callers that wait.
func (c *Centre) read(l *link) {
	for {
		p, err := readPDU(l.conn)
		if err != nil {
			l.end(fmt.Errorf("%w: %w", errLost, err))
			return
		}
		switch {
		case p.command&answerBit != 0:
			if text := l.answered(p); text != "" && p.status == statusOK {
				body := parser{rest: p.body}
				c.await(body.text(), text) // before the receipt, which may be next, is read
			}
			continue
		case p.command == cmdEnquireLink:
			err = l.send(pdu{cmdEnquireLink | answerBit, statusOK, p.sequence, nil})
		case p.command == cmdDeliver:
			c.delivered(p)
			err = l.send(pdu{cmdDeliver | answerBit, statusOK, p.sequence, []byte{0}})
		case p.command == cmdUnbind:
			_ = l.send(pdu{cmdUnbind | answerBit, statusOK, p.sequence, nil}) // the connection ends in any case
			err = errors.New("the centre unbound")
		default:
			err = l.send(pdu{cmdGenericNack, statusCommand, p.sequence, nil})
		}
		if err != nil {
			l.end(err)
			return
		}
	}
}

var receiptField = regexp.MustCompile(`\b(id|stat):\s*(\S+)`)

// states are the names of the values of message_state (section 5.2.28).
var states = []string{"", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"}

// delivered reads a delivery receipt. Texts of telephones are dropped.
func (c *Centre) delivered(p pdu) {
	d, err := parseDelivery(p.body)
	if err != nil || d.class&messageTypeMask != deliveryReceipt || c.Receipt == nil {
		return
	}
	var id, state string
	for _, f := range receiptField.FindAllStringSubmatch(d.text, -1) {
		if f[1] == "id" && id == "" {
			id = f[2]
		} else if f[1] == "stat" && state == "" {
			state = strings.ToUpper(f[2])
		}
	}
	if v := d.options[tagReceiptedMessage]; len(v) > 0 {
		id = strings.TrimRight(string(v), "\x00")
	}
	if v := d.options[tagMessageState]; len(v) == 1 && int(v[0]) < len(states) {
		state = states[v[0]]
	}
	if state == "" || state == "ENROUTE" || state == "ACCEPTD" {
		return // not the end
	}
	c.receipts.Lock()
	text := c.accepted[id]
	delete(c.accepted, id)
	c.receipts.Unlock()
	c.Receipt(Receipt{ID: text, Delivered: state == "DELIVRD", State: masked(state)})
}

// Ready binds if there is no connection, or asks the centre whether it is there.
func (c *Centre) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Transport.timeout())
	defer cancel()
	l, err := c.connect(ctx)
	if err == nil {
		_, err = l.ask(ctx, cmdEnquireLink, nil)
	}
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return nil
}

// unbindFor is how long Close waits for the answer to the unbind.
const unbindFor = 2 * time.Second

// Close unbinds and ends the connection. Submits that wait fail.
func (c *Centre) Close() error {
	c.mu.Lock()
	l := c.link
	c.link, c.closed = nil, true
	c.mu.Unlock()
	if l == nil || l.isDown() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), unbindFor)
	defer cancel()
	_, err := l.ask(ctx, cmdUnbind, nil)
	l.end(net.ErrClosed)
	if errors.Is(err, errLost) {
		return nil // the centre closed without an answer
	}
	return err
}

// ask sends a request and returns its answer.
func (l *link) ask(ctx context.Context, command uint32, body []byte) (pdu, error) {
	return l.askFor(ctx, "", command, body)
}

// askFor is ask for a text whose receipt will be awaited.
func (l *link) askFor(ctx context.Context, text string, command uint32, body []byte) (pdu, error) {
	answer := make(chan pdu, 1)
	l.mu.Lock()
	l.next = l.next%0x7fffffff + 1
	sequence := l.next
	l.waiting[sequence] = request{answer, text}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, sequence)
		l.mu.Unlock()
	}()
	if err := l.send(pdu{command, statusOK, sequence, body}); err != nil {
		l.end(err)
		return pdu{}, err
	}
	select {
	case p := <-answer:
		return p, nil
	case <-l.down:
		return pdu{}, l.err
	case <-ctx.Done():
		return pdu{}, fmt.Errorf("no answer of the centre: %w", ctx.Err())
	}
}

// answered hands an answer to the caller that waits for it, and returns the id of the
// text whose receipt will be awaited.
func (l *link) answered(p pdu) (text string) {
	if p.command == cmdGenericNack && p.status == statusOK {
		p.status = statusUnknownError
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.waiting[p.sequence]
	if !ok {
		return "" // too late
	}
	delete(l.waiting, p.sequence)
	r.answer <- p // it has room for one
	return r.text
}

// writeFor limits one write to the centre.
const writeFor = 10 * time.Second

func (l *link) send(p pdu) error {
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeFor)) // a closed connection fails at the write
	return p.write(l.conn)
}

// end closes the connection. All callers that wait get err.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isDown() {
		return
	}
	l.err = err
	_ = l.conn.Close() // nothing is left to be written
	close(l.down)
}

func (l *link) isDown() bool {
	select {
	case <-l.down:
		return true
	default:
		return false
	}
}
