package app

import (
	"cmp"
	"context"
	"errors"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/sms"
)

// setUpSMS adds the notifier of the channel for telephones, if one is configured.
func (a *App) setUpSMS(to domain.Notifiers) (err error) {
	if !a.config.HasSMS() {
		return nil
	}
	gateway, centre, err := openSMS(a.config, a.receipt)
	if err != nil {
		return err
	}
	a.centre = centre
	i := a.config.Institution
	a.telephone, err = sms.New(sms.Options{Gateway: gateway, Institution: cmp.Or(i.ShortName, i.Name), BaseURL: a.config.Portal.BaseURL})
	if err != nil {
		return err
	}
	to[domain.ChannelSMS] = a.telephone
	return nil
}

// openSMS returns the configured gateway. If it is a centre, the caller must close it.
func openSMS(c config.Config, receipt func(sms.Receipt)) (sms.Gateway, *sms.Centre, error) {
	if c.SMS.Way == config.SMSByHTTP {
		gateway, err := sms.NewHTTP(c.SMSHTTP())
		return gateway, nil, err
	}
	o := c.SMSSMPP()
	o.Receipt = receipt
	centre, err := sms.NewSMPP(o)
	return centre, centre, err
}

// receipt logs an SMS that the network did not deliver.
func (a *App) receipt(r sms.Receipt) {
	if !r.Delivered {
		a.log.Warn("the network did not deliver an SMS", "job", r.ID, "state", r.State)
	}
}

// probeSMS connects to the gateway. It sends no SMS.
func probeSMS(ctx context.Context, c config.Config) error {
	gateway, centre, err := openSMS(c, nil)
	if err != nil {
		return err
	}
	err = gateway.Ready(ctx)
	if centre != nil {
		err = errors.Join(err, centre.Close())
	}
	return err
}
