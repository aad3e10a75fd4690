package bounce

import (
	"regexp"
	"slices"
	"strings"
)

// plain reads a notice without report fields: qmail, Exim, Yahoo, DragonFly,
// old sendmail and others that write for people only.
func (m *mail) plain(rules *Rules) (out []Failure) {
	if !m.bounces() {
		return nil
	}
	notice := m.notice[:min(len(m.notice), 2*maxWords)]
	whole := clean(notice)
	for _, one := range m.named() {
		one.words = one.words[:min(len(one.words), 2*maxWords)]
		f := Failure{Diagnostic: clean(one.words)}
		if one.address != "" {
			f.Recipients = []string{one.address}
		}
		about := one.words
		if !rules.decides(about, one.address) { // the reason stands elsewhere in the notice
			about = one.words + "\n" + m.aboutRecipient(f.Recipients)
			if !rules.decides(about, one.address) {
				about = notice
			}
			f.Diagnostic = reason(about, whole)
		}
		if f.Status = statusIn(about); f.Status == "" {
			f.Diagnostic = reason(about, f.Diagnostic)
		}
		f.complete()
		f.Verdict = rules.judge(evidence{status: f.Status, words: clean(about), recipients: f.Recipients, servers: m.header.get("from")})
		out = append(out, f)
	}
	return out
}

// reason returns the lines from the first reply of a server on, or otherwise.
func reason(text, otherwise string) string {
	if at := replyLine.FindStringIndex(text); at != nil {
		return clean(text[at[0]:])
	}
	return clean(otherwise)
}

var replyLine = regexp.MustCompile(`(?m)(?:^|[\s:'"<])[45][0-5]\d[ -](?:#?[45]\.\d+\.\d+)?.*$`)

// bounces reports whether a mail without report fields says that a delivery
// failed: a mail system wrote it, and it says so without announcing a retry.
func (m *mail) bounces() bool {
	subject := words(m.header.get("subject"))
	listed := m.header.get("x-failed-recipients") != ""
	automatic := listed || subjectFailed.MatchString(subject) ||
		strings.TrimSpace(m.header.get("return-path")) == "<>" ||
		mailSystem.MatchString(words(m.header.get("from"))+" "+words(m.header.get("sender"))+" "+m.header.get("return-path"))
	text := subject + "\n" + m.notice[:min(len(m.notice), 16<<10)]
	text = spaces.ReplaceAllString(text, " ")
	if !automatic || !listed && !saysFailed.MatchString(text) || subjectOther.MatchString(subject) {
		return false
	}
	if saysChallenge.MatchString(text) {
		return false
	}
	return !saysDelayed.MatchString(text) || saysForGood.MatchString(text)
}

var (
	mailSystem = regexp.MustCompile(`(?i)mailer.?daemon|post.?master|mail deliver|delivery (?:sub)?system|mail (?:sub)?system|system administrator|mail administrator|email delivery|mailadmin|\bbounces?\b`)

	subjectFailed = regexp.MustCompile(`(?i)^\W*(?:undeliver|returned mail|failure notice|mail delivery fail|delivery (?:status notification|failure|fail)|non[- ]?(?:delivery|remis)|mail could not be delivered|failed mail|message delivery has failed)`)

	// Absence notices and reports about domains may mention a failed delivery.
	subjectOther = regexp.MustCompile(`(?i)^\W*(?:report domain:|auto(?:matic|mated)?[- :]*(?:reply|response|antwort)|out of (?:the )?office|on (?:vacation|holiday)|vacation|r[ée]ponse automatique|absen(?:ce|t)|en cong[ée]|abwesen|respuesta autom[aá]tica|fuera de (?:la )?oficina|accusé de (?:réception|lecture)|lu\s?:|read:|risposta automatica|resposta autom[aá]tica|automatische? antwoord)`)

	saysFailed = regexp.MustCompile(`(?i)undeliver|(?:has|was) not been delivered|(?:could|can)(?:\s?not|n.t) be (?:delivered|reached|sent)|(?:could|can|did|was|were|is|are)(?:\s?not|n.t)(?: be)?(?: able to)? (?:deliver|send|reach)|unable to (?:deliver|send)|unable to be delivered|deliver(?:y|ing)[^.]{0,40} (?:fail|error)|(?:fail|error|trouble|problem)[a-z]*[^.]{0,40} (?:deliver|send)|error sending|not delivered|failure notice|mail failure|returned mail|mail returned|return(?:ed|ing) (?:message )?to sender|failed permanently|permanent(?:ly)? (?:error|fail)|did not reach|rejected your message|was rejected|message (?:has been |was )?rejected|transcript of session|user unknown|unknown user|invalid (?:final delivery userid|user|recipient)` +
		`|was blocked|non remis|n.est pas parvenue?|impossible de (?:remettre|distribuer|d[ée]livrer|livrer|transmettre)|(?:remise|distribution|livraison|envoi|message)\b[^;!?]{0,90}? (?:a|ont) (?:échoué|été (?:refus|rejet|bloqu))|n.a (?:pas )?pu (?:être|etre) (?:remis|delivr|délivr|distribu|achemin|livr|transmis)|n.(?:a|ont) pas été (?:remis|délivr|distribu|achemin|livr|transmis|accept)|(?:nous|vous) (?:est|sont|a été) retourné|retour(?:né)? à l.expéditeur|échec de (?:la )?(?:remise|livraison|distribution|l.envoi)|nicht zugestellt|unzustellbar|(?:zustellung|übermittlung)\b[^;!?]{0,90}? (?:fehlgeschlagen|gescheitert)|(?:nachricht|e-?mail)\b[^;!?]{0,90}? (?:abgelehnt|zurückgewiesen)|(?:mensaje|correo)\b[^;!?]{0,90}? (?:fue|ha sido) (?:rechazado|devuelto)|konnte nicht (?:zugestellt|zugeliefert)|no (?:se )?(?:ha podido|pudo|puede)[^.]{0,20} entreg|no entregad|impossibile (?:recapitare|consegnare)|mancato recapito|não (?:pôde|foi possível)[^.]{0,30} entreg|niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:można|udało|mogła)[^.]{0,30} dostarcz|не может быть (?:доставлено|отправлено)|недоставлен|не доставлено|не удалось доставить|送信できません|配信でき|配送でき|届けられ|送れません|失敗|不在|エラー|无法(?:发送|送达|投递)|退信|投递失败`)

	saysDelayed = regexp.MustCompile(`(?i)warning message only|do not need to resend|ha(?:s|ve) been delayed|\bdelayed\b|\(delay\)|delivery (?:is )?delay|will (?:be |continue to be |keep being )?(?:retr|try|attempt)|continue (?:to be )?tr(?:y|ied)|still trying|not (?:yet been|been yet) delivered|has not (?:yet )?been delivered yet|will be (?:made|attempted) (?:again )?(?:for|until)|temporary (?:failure|error|problem)[^.]{0,80}(?:retr|again)|retardée?s?\b|différé|pas encore|avertissement seulement|qu.un avertissement|pas nécessaire de (?:le |la )?renvoyer|(?:pas besoin|pas) (?:à|de) (?:le )?renvoyer|se poursuivront|essaiera|continuera|nouvelles? tentatives?|réessa(?:y|ie)|est en attente|wird (?:weiterhin|erneut) versucht|verzögert|weitere[nr]? zustellversuch|retrasad|se (?:ha )?retras|se seguirá intentando|ritardat|in ritardo|atrasad|continuará|continuaremos|continuerà|ancora (?:stat[oa] )?recapitat|riproverà|blijven (?:het )?proberen|opnieuw (?:geprobeerd|proberen)|nog niet (?:worden )?(?:bezorgd|afgeleverd)|noch nicht zugestellt|versuch\w* (?:wir )?es (?:weiter|erneut)|ponowi\w*|kolejn\S+ pr[óo]b|nie została jeszcze|попытки[^.]{0,30} (?:продолж|повтор)|(?:продолжаем|будем) пытаться|继续(?:重试|尝试|投递|发送)|将(?:会)?(?:自动)?重(?:试|发)|再送を(?:続|試み|行)|再試行(?:し|を続)`)

	// A filter of the recipient delivers the mail once its sender has confirmed it.
	saysChallenge = regexp.MustCompile(`(?i)(?:verify|confirm|prove) that you are (?:a )?(?:real|human|not a)|requires? (?:you to |that you )(?:verify|confirm|authenticate)|(?:confirm|release|deliver) (?:your|this) (?:message|mail|e-?mail)[^.]{0,40} (?:click|reply)|(?:click|reply)[^.]{0,60} (?:to (?:confirm|release|have (?:it|your (?:message|mail)) delivered))|vous authentifier pour|prouve[rz] que vous (?:êtes|n.êtes)|cliquez[^.]{0,60} pour (?:confirmer|que votre (?:message|courriel|mail) soit)|was quarantined|mis(?:e)? en quarantaine`)

	saysForGood = regexp.MustCompile(`(?i)permanent(?:ly)? (?:error|fail|fatal)|failed permanently|giv(?:en|ing) up|no (?:further|more) (?:delivery )?attempts|will not be (?:retried|attempted)|not going to try again|has been (?:returned|removed from the queue)|could not be delivered for|failed (?:\d+|after) |retry timeout exceeded|(?:message|delivery) (?:has )?expired|(?:un|:) échec définitif|aucune (?:autre |nouvelle )?tentative|plus aucune tentative`)
)

// naming is a recipient that a notice names, with the words that follow it.
type naming struct{ address, words string }

// named returns the recipients that a notice names. It returns one without an
// address if the notice names none.
func (m *mail) named() (out []naming) {
	own := unique(append(append(addressIn.FindAllString(words(m.header.get("to")), 5), addressIn.FindAllString(m.header.get("envelope-to"), 2)...),
		append(addressIn.FindAllString(m.top.get("from"), 2), addressIn.FindAllString(m.top.get("return-path"), 2)...)...))
	listed := unique(addressIn.FindAllString(m.header.get("x-failed-recipients"), maxGroups))
	fits := func(address string) bool {
		switch has := func(in []string) bool {
			return slices.ContainsFunc(in, func(o string) bool { return strings.EqualFold(o, address) })
		}; {
		case has(listed) || has(m.to):
			return true
		case len(listed) > 0 || mailSystem.MatchString(address):
			return false
		default:
			return !has(own)
		}
	}
	type place struct {
		address   string
		at, after int
	}
	var places []place
	seen := map[string]bool{}
	for _, pattern := range []*regexp.Regexp{lineStart, afterWord, anywhere} {
		for _, at := range pattern.FindAllStringSubmatchIndex(m.notice, 10*maxGroups) {
			address := strings.TrimRight(m.notice[at[2]:at[3]], ".")
			if key := strings.ToLower(address); !seen[key] && fits(address) && len(places) < maxGroups {
				seen[key] = true
				places = append(places, place{address, at[2], at[3]})
			}
		}
		if len(places) > 0 {
			break
		}
	}
	slices.SortFunc(places, func(a, b place) int { return a.at - b.at })
	for i, p := range places {
		end := len(m.notice)
		if i+1 < len(places) {
			end = places[i+1].at
		}
		out = append(out, naming{p.address, strings.TrimLeft(m.notice[p.after:end], `>"': `)})
	}
	for _, address := range listed {
		if !seen[strings.ToLower(address)] {
			out = append(out, naming{address, m.notice})
		}
	}
	if len(out) == 0 && len(m.to) == 1 {
		return []naming{{m.to[0], m.notice}}
	}
	if len(out) == 0 {
		return []naming{{"", m.notice}}
	}
	return out
}

var (
	lineStart = regexp.MustCompile(`(?m)^[ \t>*•-]*["'<(\[]*(?:rfc822;\s*)?(` + addressIn.String() + `)`)
	afterWord = regexp.MustCompile(`(?i)(?:deliver\w*|undeliverable|message|mail|attempts|userid|recipients?|address\w*|rcpt to|user|account|errors|failed)\b[^@\n<]{0,40}?[:\s<"(]+(` + addressIn.String() + `)`)
	anywhere  = regexp.MustCompile(`(` + addressIn.String() + `)`)
)

// aboutRecipient returns the paragraphs of the notice that name one of the
// addresses, and the words of servers quoted in a transcript.
func (m *mail) aboutRecipient(addresses []string) string {
	if m.paragraphs == nil {
		for text := range strings.SplitSeq(m.notice, "\n\n") {
			m.paragraphs = append(m.paragraphs, paragraph{text, strings.ToLower(text), transcript.MatchString(text)})
		}
	}
	var about strings.Builder
	for _, p := range m.paragraphs {
		named := slices.ContainsFunc(addresses, func(a string) bool { return strings.Contains(p.lower, strings.ToLower(a)) })
		if (named || p.transcript) && about.Len() < maxWords {
			about.WriteString(p.text + "\n")
		}
	}
	return about.String()
}

type paragraph struct {
	text, lower string
	transcript  bool // quotes what a server said
}

var transcript = regexp.MustCompile(`(?m)^\s*(?:<<<|Remote host said:|.*said:|[45]\d\d[ -]).*`)
