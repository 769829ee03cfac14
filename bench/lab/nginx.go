package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

// nginxConf serves as an upstream if Upstream is empty, and as a proxy before it otherwise.
const nginxConf = `daemon off;
worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
  server_tokens off;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
{{- if .Upstream}}
  upstream up { server {{.Upstream}}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen {{.Addr}};
    location / {
      proxy_pass http://up;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
{{- else}}
  client_body_buffer_size 256k;
  sendfile on;
  open_file_cache max=16;
  default_type application/octet-stream;
  server {
    listen {{.Addr}};
    root {{.Dir}}/files;
    location /upload {
      # The whole body is read before anything is answered.
      proxy_pass http://unix:{{.Dir}}/done.sock;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
    location /large { try_files /large =404; }
    location / { return 200 "ok, this is a small answer of about a hundred bytes, as an API would give it to many a request\n"; }
  }
  server {
    listen unix:{{.Dir}}/done.sock;
    location / { return 200 "done\n"; }
  }
{{- end}}
}
`

// LargeBody is the size of the answer to /large.
const LargeBody = 64 << 10

// Nginx starts nginx on a CPU, with its files in dir. With an upstream it is a proxy with nginx's own
// defaults, among them that it collects a request's body, in a file if it is large; without one it answers itself: /large with
// [LargeBody] bytes, POST /upload after having read the body, and anything else with a small body.
func Nginx(ctx context.Context, dir, upstream string, cpu int) (*Process, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return nil, fmt.Errorf("prepare nginx: %w", err)
	}
	// Its worker is another user where nginx is started by root.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("prepare nginx: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "files", "large"), bytes.Repeat([]byte("x"), LargeBody), 0o644); err != nil {
		return nil, fmt.Errorf("prepare nginx: %w", err)
	}
	var conf bytes.Buffer
	values := struct{ Dir, Addr, Upstream string }{dir, addr, upstream}
	if err := template.Must(template.New("").Parse(nginxConf)).Execute(&conf, values); err != nil {
		return nil, fmt.Errorf("write nginx.conf: %w", err)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, conf.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("write nginx.conf: %w", err)
	}
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	return Start(ctx, Program{Name: "nginx", Args: []string{program, "-p", dir, "-c", file}, CPU: cpu, Addr: addr})
}
