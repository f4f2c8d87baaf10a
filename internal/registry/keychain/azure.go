package keychain

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	azureScope     = "https://management.azure.com/.default"
	azureResource  = "https://management.azure.com/"
	clientAssert   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	acrTokenPeriod = time.Hour // Azure's refresh tokens last three; ours is asked for again before
)

// azureSource trades a token of Microsoft's for one of the registry.
// See https://learn.microsoft.com/azure/container-registry/container-registry-authentication.
var azureSource = source{
	name: "Azure",
	applies: func(host string) bool {
		return strings.HasSuffix(host, ".azurecr.io") || strings.HasSuffix(host, ".azurecr.cn") || strings.HasSuffix(host, ".azurecr.us")
	},
	get: func(ctx context.Context, k *Keychain, t target) (Credentials, string, error) {
		var reasons []string
		for _, get := range azureSources {
			token, reason, err := get(ctx, k)
			if ctx.Err() != nil {
				return Credentials{}, "", ctx.Err()
			}
			if err != nil {
				reason = err.Error()
			}
			if err == nil && token.AccessToken != "" {
				c, err := k.acrExchange(ctx, t.host, token.AccessToken)
				return c, "", err
			}
			reasons = append(reasons, reason)
		}
		return Credentials{}, strings.Join(reasons, "; "), nil
	},
}

// azureSources are in the order of Azure's own tools.
var azureSources = []func(context.Context, *Keychain) (accessToken, string, error){azureSecret, azureFederated, azureInstance}

// azureSecret logs in as an application with its secret.
func azureSecret(ctx context.Context, k *Keychain) (accessToken, string, error) {
	secret := k.env("AZURE_CLIENT_SECRET")
	if secret == "" || k.env("AZURE_CLIENT_ID") == "" || k.env("AZURE_TENANT_ID") == "" {
		return accessToken{}, "AZURE_CLIENT_SECRET is not set", nil
	}
	token, err := k.azureLogin(ctx, url.Values{"client_secret": {secret}})
	return token, "", err
}

// azureFederated logs in by a token that Kubernetes or a CI service wrote to a file.
func azureFederated(ctx context.Context, k *Keychain) (accessToken, string, error) {
	file := k.env("AZURE_FEDERATED_TOKEN_FILE")
	if file == "" || k.env("AZURE_CLIENT_ID") == "" || k.env("AZURE_TENANT_ID") == "" {
		return accessToken{}, "AZURE_FEDERATED_TOKEN_FILE is not set", nil
	}
	data, err := readFile(file)
	if err != nil {
		return accessToken{}, "", errors.New("AZURE_FEDERATED_TOKEN_FILE: " + err.Error())
	}
	token, err := k.azureLogin(ctx, url.Values{"client_assertion_type": {clientAssert},
		"client_assertion": {strings.TrimSpace(string(data))}})
	return token, "", err
}

// azureLogin asks Microsoft's login server.
// See https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func (k *Keychain) azureLogin(ctx context.Context, form url.Values) (token accessToken, err error) {
	base := k.opt.Endpoints.Azure
	if own := k.env("AZURE_AUTHORITY_HOST"); own != "" {
		if base = strings.TrimSuffix(own, "/"); !secureEndpoint(base) {
			return token, errors.New("AZURE_AUTHORITY_HOST is not https")
		}
	}
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", k.env("AZURE_CLIENT_ID"))
	form.Set("scope", azureScope)
	req, err := formRequest(base+"/"+url.PathEscape(k.env("AZURE_TENANT_ID"))+"/oauth2/v2.0/token", form)
	if err != nil {
		return token, err
	}
	return token, k.ask(ctx, req, cloudTime, &token)
}

// azureInstance asks the metadata server of a machine of Azure's.
// See https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token.
func azureInstance(ctx context.Context, k *Keychain) (token accessToken, reason string, err error) {
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {azureResource}}
	if id := k.env("AZURE_CLIENT_ID"); id != "" {
		query.Set("client_id", id)
	}
	req, err := http.NewRequest(http.MethodGet, k.opt.Endpoints.IMDS+"/metadata/identity/oauth2/token?"+query.Encode(), nil)
	if err != nil {
		return token, "", err
	}
	req.Header.Set("Metadata", "true")
	if err := k.ask(ctx, req, metadataTime, &token); err != nil {
		return token, "", errors.New("managed identity: " + err.Error())
	}
	return token, "managed identity: no token", nil
}

// acrExchange trades a token of Microsoft's for a refresh token of one registry, which its token server takes.
// See https://azure.github.io/acr/AAD-OAuth.html#calling-post-oauth2exchange-to-get-an-acr-refresh-token.
func (k *Keychain) acrExchange(ctx context.Context, host, token string) (Credentials, error) {
	base := k.opt.Endpoints.Exchange
	if base == "" {
		base = "https://" + host
	}
	form := url.Values{"grant_type": {"access_token"}, "service": {host}, "access_token": {token}}
	if tenant := k.env("AZURE_TENANT_ID"); tenant != "" {
		form.Set("tenant", tenant)
	}
	req, err := formRequest(base+"/oauth2/exchange", form)
	if err != nil {
		return Credentials{}, err
	}
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := k.ask(ctx, req, cloudTime, &answer); err != nil {
		return Credentials{}, err
	}
	if answer.RefreshToken == "" {
		return Credentials{}, errors.New("the registry sent no token")
	}
	return Credentials{IdentityToken: answer.RefreshToken, Until: jwtEnd(answer.RefreshToken, k.now().Add(acrTokenPeriod))}, nil
}

// jwtEnd returns when a token says that it ends, at the latest the time given. Nothing is trusted that it says: it
// decides only when to ask again.
func jwtEnd(token string, latest time.Time) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return latest
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return latest
	}
	var claims struct {
		Exp int64 `json:"exp"`
	}
	if json.Unmarshal(data, &claims) != nil || claims.Exp <= 0 {
		return latest
	}
	if end := time.Unix(claims.Exp, 0); end.Before(latest) {
		return end
	}
	return latest
}
