package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"entree/internal/devenv/scripted"
)

// Kratos returns the contestant that registers with a password at Ory Kratos and proves
// the address by the code of the mail. In its favour it uses the interface for programs:
// no page is rendered.
func Kratos(url string, box scripted.Box) Contestant {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience}
	return Contestant{Name: NameKratos, One: func(ctx context.Context, i int, _ *Journey) error {
		user := peer(NameKratos, i)
		var flow struct {
			UI struct{ Action string }
		}
		if err := call(ctx, client, http.MethodGet, url+"/self-service/registration/api", nil, &flow); err != nil {
			return err
		}
		var registered struct {
			Next []struct {
				Action string
				Flow   struct{ ID string }
			} `json:"continue_with"`
		}
		err := call(ctx, client, http.MethodPost, flow.UI.Action, map[string]any{
			"method": "password", "password": password(i),
			"traits": map[string]any{"email": user["email"], "given_name": user["firstName"], "family_name": user["lastName"]},
		}, &registered)
		if err != nil {
			return err
		}
		if len(registered.Next) == 0 || registered.Next[0].Action != "show_verification_ui" {
			return fmt.Errorf("after the registration at Kratos comes %+v", registered.Next)
		}
		mail, err := box.Wait(ctx, user["email"].(string), 1)
		if err != nil {
			return err
		}
		var proven struct{ State string }
		err = call(ctx, client, http.MethodPost, url+"/self-service/verification?flow="+registered.Next[0].Flow.ID, map[string]any{"method": "code", "code": mail.Code()}, &proven)
		if err == nil && proven.State != "passed_challenge" {
			err = fmt.Errorf("after the code Kratos is in the state %q", proven.State)
		}
		return err
	}}
}

// call sends a request of JSON and decodes the answer. A status other than 200 is an error.
func call(ctx context.Context, client *http.Client, method, to string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 4000)) // a part helps as well
		return fmt.Errorf("%s %s: status %d: %s", method, to, response.StatusCode, said)
	}
	return json.NewDecoder(response.Body).Decode(result)
}
