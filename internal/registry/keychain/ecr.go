package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// ecrHost is a registry of Amazon's: 123456789012.dkr.ecr.eu-central-1.amazonaws.com, with "-fips" and China's domain.
var ecrHost = lazyregexp.New(`^\d{12}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]{4,30})\.(amazonaws\.com(\.cn)?|on\.aws)$`)

// publicECR is Amazon's registry for everybody, which has one region.
const (
	publicECR       = "public.ecr.aws"
	publicECRRegion = "us-east-1"
)

// ecrSource trades AWS keys for a login that lasts twelve hours. Amazon's public registry is left anonymous where
// there are no keys.
var ecrSource = source{
	name:    "AWS",
	applies: func(host string) bool { return host == publicECR || ecrHost.MatchString(host) },
	get: func(ctx context.Context, k *Keychain, t target) (Credentials, string, error) {
		api := ecrAPI(t.host)
		keys, outcome, err := k.aws(ctx, api.region)
		if err != nil || keys.access == "" {
			return Credentials{}, outcome, err
		}
		c, err := k.ecrLogin(ctx, keys, api)
		return c, "", err
	},
}

// ecr is the service behind a host.
type ecr struct {
	service, region string // for the signature
	endpoint        string // name of the service in addresses
	action          string
}

func ecrAPI(host string) ecr {
	if host == publicECR {
		return ecr{service: "ecr-public", region: publicECRRegion, endpoint: "api.ecr-public", action: "SpencerFrontendService.GetAuthorizationToken"}
	}
	m := ecrHost.FindStringSubmatch(host)
	return ecr{service: "ecr", region: m[2], endpoint: "api.ecr", action: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}
}

// ecrToken is a login; the public registry sends one, the others a list of one.
type ecrToken struct {
	AuthorizationToken string  `json:"authorizationToken"` // base64 of "AWS:password"
	ExpiresAt          float64 `json:"expiresAt"`          // seconds since 1970
}

// ecrLogin asks for a login.
// See https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html.
func (k *Keychain) ecrLogin(ctx context.Context, keys awsKeys, api ecr) (Credentials, error) {
	body := []byte("{}")
	req, err := http.NewRequest(http.MethodPost, k.awsEndpoint(api.endpoint, api.region)+"/", bytes.NewReader(body))
	if err != nil {
		return Credentials{}, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", api.action)
	keys.sign(req, body, api.region, api.service, k.now())
	var answer struct {
		AuthorizationData json.RawMessage `json:"authorizationData"`
	}
	if err := k.ask(ctx, req, cloudTime, &answer); err != nil {
		return Credentials{}, err
	}
	var one ecrToken
	var many []ecrToken
	if strings.HasPrefix(string(bytes.TrimSpace(answer.AuthorizationData)), "[") {
		if json.Unmarshal(answer.AuthorizationData, &many) == nil && len(many) > 0 {
			one = many[0]
		}
	} else {
		_ = json.Unmarshal(answer.AuthorizationData, &one) // an empty token is told below
	}
	user, password, err := decodeAuth(one.AuthorizationToken)
	if err != nil {
		return Credentials{}, errors.New("AWS sent no login")
	}
	return Credentials{Username: user, Password: password, Until: time.Unix(int64(one.ExpiresAt), 0)}, nil
}
