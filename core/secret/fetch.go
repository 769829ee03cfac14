package secret

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	largestAnswer = 1 << 20 // bytes; AWS and GCP allow 64 KiB per secret
	mostRedirects = 3
)

// cause says what a failed read means for later ones.
type cause int

const (
	refused     cause = iota // the manager answered, and not with the secret
	missing                  // the manager has no such secret
	unreachable              // the manager does not answer, or asks to be left alone
)

// failure is why something could not be read. Its text names what was done and what to do.
type failure struct {
	cause  cause
	err    error
	advice string
}

func (f *failure) Error() string {
	if f.advice == "" {
		return f.err.Error()
	}
	return f.err.Error() + ": " + f.advice
}

func (f *failure) Unwrap() error { return f.err }

// causeOf returns what err means; what is not known is refused.
func causeOf(err error) cause {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.cause
	}
	return refused
}

// statusCause returns what an HTTP status means.
func statusCause(status int) cause {
	switch status {
	case http.StatusNotFound:
		return missing
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return unreachable
	}
	return refused
}

// clients are the two ways to send requests.
type clients struct {
	verified *http.Client
	lax      *http.Client // without a check of the server's certificate
	owned    bool         // nobody else uses the connections
}

// newClients returns clients that behave as c does, apart from redirects. A nil c has limits of its own.
func newClients(c *http.Client, roots *x509.CertPool) *clients {
	owned := c == nil
	if owned {
		c = &http.Client{Transport: newTransport(roots)}
	}
	verified, lax := *c, *c
	verified.CheckRedirect, lax.CheckRedirect = stay, stay
	if t, ok := roundTripper(c).(*http.Transport); ok {
		t = t.Clone()
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.InsecureSkipVerify = true // for managers with ssl_verify: false
		lax.Transport = t
	}
	return &clients{verified: &verified, lax: &lax, owned: owned}
}

func roundTripper(c *http.Client) http.RoundTripper {
	if c.Transport == nil {
		return http.DefaultTransport
	}
	return c.Transport
}

// newTransport has no proxy: what is sent are credentials, and APISIX sends them to none either.
func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    2 * time.Second,
		ResponseHeaderTimeout:  5 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        32,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// close closes connections that are not in use.
func (c *clients) close() {
	if c.owned {
		c.verified.CloseIdleConnections()
	}
	if c.lax.Transport != c.verified.Transport {
		c.lax.CloseIdleConnections()
	}
}

// errRedirect says that an answer led to another place. It comes wrapped.
var errRedirect = errors.New("the answer is a redirect")

// stay follows few redirects, and only of a GET to the same origin: a request carries credentials that are for one server.
func stay(next *http.Request, via []*http.Request) error {
	first := via[0]
	to := next.URL.Scheme + "://" + next.URL.Host
	switch {
	case next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host:
		return fmt.Errorf("%w to %s, which is not followed because the credentials are for %s", errRedirect, show(to), first.URL.Host)
	case first.Method != http.MethodGet || next.Method != http.MethodGet:
		return fmt.Errorf("%w, which is followed for GET only", errRedirect)
	case len(via) > mostRedirects:
		return fmt.Errorf("%w, the %dth in a row", errRedirect, len(via))
	}
	return nil
}

// answer is a response whose body was read.
type answer struct {
	status int
	body   []byte
}

// send sends a request and reads the answer. Its errors are failures that contain nothing of the request but its host.
func (c *clients) send(req *http.Request, verify bool) (answer, error) {
	client := c.verified
	if !verify {
		client = c.lax
	}
	req.Header.Set("User-Agent", "polygate")
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, sendFailure(req, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	if err != nil {
		return answer{}, sendFailure(req, err)
	}
	if len(body) > largestAnswer {
		err := fmt.Errorf("the answer of %s is larger than %d bytes", req.URL.Host, largestAnswer)
		return answer{}, &failure{cause: refused, err: err, advice: "check that the address is that of a secret manager"}
	}
	return answer{status: resp.StatusCode, body: body}, nil
}

func sendFailure(req *http.Request, err error) error {
	if errors.Is(err, errRedirect) {
		return &failure{cause: refused, err: cutURL(err), advice: "configure the address that it leads to"}
	}
	what := fmt.Sprintf("ask %s: ", req.URL.Host)
	if req.Context().Err() != nil {
		what = req.URL.Host + " does not answer in time: "
	}
	// The text may repeat what the server sent.
	return &failure{cause: unreachable, err: errors.New(what + show(cutURL(err).Error())), advice: "check the address, the certificate and that the secret manager runs"}
}

// cutURL removes the method and URL from the front of a client's error.
func cutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// parseBase checks that text is the address of an HTTP server.
func parseBase(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		// The parser's error quotes the address, which may contain a password.
		return nil, fmt.Errorf("%s is not the address of an HTTP server: write http://host:port or https://host", name)
	}
	return u, nil
}
