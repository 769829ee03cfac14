package plugintest

import "github.com/polygate/polygate/sdk"

func requestCases() []conformanceCase {
	return []conformanceCase{
		{name: "no steps", conf: `{}`, opts: []Option{WithTarget("/a%20b?x=1&y"), WithMethod("PUT")}, target: "/a%20b?x=1&y", method: "PUT"},
		{
			name: "method, path and query are read",
			conf: `{"rewrite":[{"do":"method","to":"m"},{"do":"path","to":"p"},{"do":"query","to":"q"}]}`,
			opts: []Option{WithMethod("POST"), WithTarget("/a%20b/c?x=%20&x")},
			vars: map[string]string{"m": "POST", "p": "/a b/c", "q": "x=%20&x"},
		},
		{
			name: "method, path and query are replaced",
			conf: `{"rewrite":[{"do":"set_method","value":"PATCH"},{"do":"set_path","value":"/n w"},{"do":"set_query","value":"z=%2F"}],
				"access":[{"do":"path","to":"p"}]}`,
			opts:   []Option{WithTarget("/old?x=1")},
			vars:   map[string]string{"p": "/n w"},
			method: "PATCH", target: "/n%20w?z=%2F",
		},
		{
			name: "the query is removed",
			conf: `{"access":[{"do":"set_query","value":""}]}`,
			opts: []Option{WithTarget("/p?x=1")}, target: "/p",
		},
		{
			name: "header fields keep order, spelling and duplicates",
			conf: `{"rewrite":[{"do":"get","in":"request","name":"x-a","to":"a"},{"do":"values","in":"request","name":"X-A","to":"all"},
				{"do":"fields","in":"request","to":"fields"},{"do":"get","in":"request","name":"x-none","to":"none"}]}`,
			opts: []Option{WithHeader("X-A", "1"), WithHeader("x-b", "2"), WithHeader("X-a", "3")},
			vars: map[string]string{"a": "1", "all": "1|3", "fields": "X-A=1|x-b=2|X-a=3", "none": ""},
			sent: []string{"X-A: 1", "x-b: 2", "X-a: 3"},
		},
		{
			name: "header fields are set, added and removed",
			conf: `{"access":[{"do":"set","in":"request","name":"x-a","value":"9"},{"do":"add","in":"request","name":"X-C","value":"c1"},
				{"do":"add","in":"request","name":"X-C","value":"c2"},{"do":"del","in":"request","name":"X-B"}]}`,
			opts: []Option{WithHeader("X-A", "1"), WithHeader("x-b", "2"), WithHeader("X-a", "3")},
			sent: []string{"x-a: 9", "X-C: c1", "X-C: c2"},
		},
		{
			name: "the body is read twice and stays",
			conf: `{"rewrite":[{"do":"body","limit":100,"to":"b"}],"access":[{"do":"body","limit":100,"to":"again"}]}`,
			opts: []Option{WithBody("h\x00\xffllo")}, sentBody: "h\x00\xffllo",
			vars: map[string]string{"b": "h\x00\xffllo", "again": "h\x00\xffllo"},
		},
		{
			name: "a body over the limit",
			conf: `{"rewrite":[{"do":"body","limit":4,"to":"b"}]}`,
			opts: []Option{WithBody("12345")}, vars: map[string]string{"b": "too large"}, sentBody: "12345",
		},
		{
			name: "the body is replaced",
			conf: `{"access":[{"do":"set_body","value":"new body"},{"do":"body","limit":100,"to":"b"}]}`,
			opts: []Option{WithMethod("POST"), WithBody("old")}, sentBody: "new body",
			vars: map[string]string{"b": "new body"}, sent: []string{"Content-Length: 8"},
		},
		{
			name: "variables",
			conf: `{"rewrite":[{"do":"var","name":"remote_addr","to":"r"},{"do":"var","name":"arg_x","to":"x"},{"do":"var","name":"http_x_id","to":"h"},
				{"do":"var","name":"no_such","to":"n"},{"do":"set_var","name":"mine","value":"1"},{"do":"var","name":"mine","to":"m"}],
				"before_proxy":[{"do":"var","name":"mine","to":"later"}]}`,
			opts: []Option{WithRemoteAddr("192.0.2.7"), WithTarget("/?x=7"), WithHeader("X-Id", "id")},
			vars: map[string]string{"r": "192.0.2.7", "x": "7", "h": "id", "n": "(none)", "m": "1", "later": "1"},
		},
	}
}

func responseCases() []conformanceCase {
	upstream := WithUpstream(Upstream{
		Status: 201,
		Header: []Field{{"Server", "u"}, {"Set-Cookie", "a=1"}, {"set-cookie", "b=2"}},
		Chunks: []string{"one", "two"},
	})
	return []conformanceCase{
		{
			name: "the response is read",
			conf: `{"header_filter":[{"do":"status","to":"s"},{"do":"origin","to":"o"},{"do":"values","in":"response","name":"Set-Cookie","to":"c"},
				{"do":"fields","in":"response","to":"f"}]}`,
			opts: []Option{upstream}, status: 201, body: "onetwo",
			vars:   map[string]string{"s": "201", "o": "1", "c": "a=1|b=2", "f": "Server=u|Set-Cookie=a=1|set-cookie=b=2"},
			header: []string{"Server: u", "Set-Cookie: a=1", "set-cookie: b=2"},
		},
		{
			name: "there is no response before the header filter",
			conf: `{"access":[{"do":"status","to":"s"},{"do":"origin","to":"o"}]}`,
			vars: map[string]string{"s": "0", "o": "0"},
		},
		{
			name: "status and header are changed",
			conf: `{"header_filter":[{"do":"set_status","status":404},{"do":"set","in":"response","name":"Server","value":"p"},
				{"do":"del","in":"response","name":"set-cookie"},{"do":"add","in":"response","name":"X","value":"1"},
				{"do":"add","in":"response","name":"X","value":"2"}]}`,
			opts: []Option{upstream}, status: 404, body: "onetwo", header: []string{"Server: p", "X: 1", "X: 2"},
		},
		{
			name: "header fields that were set early",
			conf: `{"access":[{"do":"set","in":"response","name":"X-Early","value":"1"},{"do":"get","in":"response","name":"x-early","to":"e"}]}`,
			opts: []Option{upstream}, status: 201, body: "onetwo", vars: map[string]string{"e": "1"},
			header: []string{"Server: u", "Set-Cookie: a=1", "set-cookie: b=2", "X-Early: 1"},
		},
		{
			name: "header fields that were added and removed early",
			conf: `{"rewrite":[{"do":"set","in":"response","name":"server","value":"p"},{"do":"del","in":"response","name":"Set-Cookie"}],
				"access":[{"do":"add","in":"response","name":"Set-Cookie","value":"c=3"}]}`,
			opts: []Option{upstream}, status: 201, body: "onetwo", header: []string{"server: p", "Set-Cookie: c=3"},
		},
		{
			name: "chunks are seen as they come",
			conf: `{"body_filter":[{"do":"seen","to":"seen"}]}`,
			opts: []Option{upstream}, status: 201, body: "onetwo", vars: map[string]string{"seen": "onetwo$"},
		},
		{
			name: "chunks are changed",
			conf: `{"body_filter":[{"do":"wrap","value":"|"},{"do":"last","value":"end"}]}`,
			opts: []Option{upstream}, status: 201, body: "|one||two|end",
		},
		{
			name: "chunks are emptied",
			conf: `{"body_filter":[{"do":"chunk","value":""},{"do":"last","value":"only"}]}`,
			opts: []Option{upstream}, status: 201, body: "only",
		},
		{
			name: "bytes that are not text",
			conf: `{"body_filter":[{"do":"last","value":"."}]}`,
			opts: []Option{WithUpstream(Upstream{Status: 200, Chunks: []string{"\x00\xff\xfe", "\x80"}})}, body: "\x00\xff\xfe\x80.",
		},
		{
			name: "an empty body has one chunk",
			conf: `{"body_filter":[{"do":"seen","to":"seen"},{"do":"last","value":"x"}]}`,
			vars: map[string]string{"seen": "$"}, body: "x",
		},
		{
			name: "every phase runs in order",
			conf: `{"rewrite":[{"do":"log","value":"1"}],"access":[{"do":"log","value":"2"}],"before_proxy":[{"do":"log","value":"3"}],
				"header_filter":[{"do":"log","value":"4"}],"body_filter":[{"do":"log","value":"5"}],"log":[{"do":"log","value":"6"}]}`,
			logs: []string{"rewrite: 1", "access: 2", "before_proxy: 3", "header_filter: 4", "body_filter: 5", "log: 6"},
		},
		{
			name: "the log phase reads the response",
			conf: `{"log":[{"do":"status","to":"s"},{"do":"path","to":"p"}]}`,
			opts: []Option{upstream, WithTarget("/p")}, status: 201, body: "onetwo", vars: map[string]string{"s": "201", "p": "/p"},
		},
	}
}

func exitCases() []conformanceCase {
	return []conformanceCase{
		{name: "in rewrite", conf: `{"rewrite":[{"do":"exit_text","status":403,"value":"no"}]}`, status: 403, body: "no", unsent: true},
		{name: "in access", conf: `{"access":[{"do":"exit_text","status":401,"value":"no"}]}`, status: 401, body: "no", unsent: true},
		{name: "in before_proxy", conf: `{"before_proxy":[{"do":"exit_text","status":599,"value":"no"}]}`, status: 599, body: "no", unsent: true},
		{name: "in header_filter", conf: `{"header_filter":[{"do":"exit_text","status":502,"value":"no"}]}`, status: 502, body: "no"},
		{name: "later steps do not run", conf: `{"rewrite":[{"do":"exit","status":204},{"do":"set_var","name":"v","value":"1"}],
			"access":[{"do":"set_var","name":"v","value":"2"}]}`, status: 204, unsent: true, vars: map[string]string{"v": ""}},
		{name: "without a body", conf: `{"access":[{"do":"exit","status":204}]}`, status: 204, unsent: true},
		{name: "with bytes", conf: `{"access":[{"do":"exit_bytes","status":200,"value":"bytes"}]}`, body: "bytes", unsent: true},
		{name: "with JSON", conf: `{"access":[{"do":"exit_json","status":400,"json":{"message":"<no>","n":[1,true,null]}}]}`,
			status: 400, body: `{"message":"<no>","n":[1,true,null]}` + "\n", unsent: true},
		{name: "the answer is filtered", conf: `{"access":[{"do":"set","in":"response","name":"X-Early","value":"1"},{"do":"exit_text","status":403,"value":"no"}],
			"header_filter":[{"do":"origin","to":"o"},{"do":"status","to":"s"},{"do":"set","in":"response","name":"X-Late","value":"2"}],
			"body_filter":[{"do":"wrap","value":"*"}],"log":[{"do":"status","to":"l"}]}`,
			status: 403, body: "*no*", unsent: true, header: []string{"X-Early: 1", "X-Late: 2"},
			vars: map[string]string{"o": "2", "s": "403", "l": "403"}},
	}
}

func failureCases() []conformanceCase {
	return []conformanceCase{
		{name: "in rewrite", conf: `{"rewrite":[{"do":"fail","value":"no luck"}]}`, err: "no luck", status: 500, unsent: true, anyBody: true},
		{name: "in access", conf: `{"access":[{"do":"fail","value":"no luck"}]}`, err: "no luck", status: 500, unsent: true, anyBody: true},
		{name: "in before_proxy", conf: `{"before_proxy":[{"do":"fail","value":"no luck"}]}`, err: "no luck", status: 500, unsent: true, anyBody: true},
		{name: "in header_filter", conf: `{"header_filter":[{"do":"fail","value":"no luck"}]}`, err: "no luck", status: 500, anyBody: true},
		{name: "in body_filter", conf: `{"body_filter":[{"do":"fail","value":"no luck"}]}`, err: "no luck", anyBody: true},
		{name: "a panic", conf: `{"access":[{"do":"panic","value":"no luck"}]}`, withError: true, status: 500, unsent: true, anyBody: true},
		{name: "a panic in the header filter", conf: `{"header_filter":[{"do":"panic","value":"no luck"}]}`, withError: true, status: 500, anyBody: true},
		{name: "an invalid field name", conf: `{"access":[{"do":"set","in":"request","name":"a b","value":"1"}]}`,
			withError: true, status: 500, unsent: true, anyBody: true},
		{name: "an invalid field value", conf: `{"access":[{"do":"add","in":"request","name":"A","value":"1\r\nB: 2"}]}`,
			withError: true, status: 500, unsent: true, anyBody: true},
		{name: "an invalid field of the response", conf: `{"header_filter":[{"do":"set","in":"response","name":"A","value":"1\n"}]}`,
			withError: true, status: 500, anyBody: true},
		{name: "an invalid method", conf: `{"access":[{"do":"set_method","value":"GET /"}]}`, withError: true, status: 500, unsent: true, anyBody: true},
		{name: "an invalid status", conf: `{"header_filter":[{"do":"set_status","status":99}]}`, withError: true, status: 500, anyBody: true},
		{name: "an exit with an invalid status", conf: `{"access":[{"do":"exit","status":700}]}`, withError: true, status: 500, unsent: true, anyBody: true},
	}
}

func consumerCases() []conformanceCase {
	jack := WithConsumer("key-auth", "secret", &sdk.Consumer{Username: "jack", CustomID: "c1", CredentialID: "cred1", Conf: []byte(`{"key":"secret"}`)})
	return []conformanceCase{
		{
			name: "found by its credential",
			conf: `{"rewrite":[{"do":"find","name":"key-auth","value":"secret","to":"c"}],"access":[{"do":"attached","to":"a"},{"do":"var","name":"consumer_name","to":"n"}]}`,
			opts: []Option{jack}, vars: map[string]string{"c": `jack {"key":"secret"}`, "a": "jack", "n": "jack"},
			sent: []string{"X-Consumer-Username: jack", "X-Consumer-Custom-ID: c1", "X-Credential-Identifier: cred1"},
		},
		{
			name: "another plugin's credential",
			conf: `{"rewrite":[{"do":"find","name":"jwt-auth","value":"secret","to":"c"},{"do":"attached","to":"a"}]}`,
			opts: []Option{jack}, vars: map[string]string{"c": "(none)", "a": "(none)"},
		},
		{
			name: "an unknown credential",
			conf: `{"rewrite":[{"do":"find","name":"key-auth","value":"Secret","to":"c"}]}`,
			opts: []Option{jack}, vars: map[string]string{"c": "(none)"},
		},
		{
			name: "found by its name",
			conf: `{"rewrite":[{"do":"by_name","value":"jack","to":"c"},{"do":"attached","to":"a"}]}`,
			opts: []Option{jack}, vars: map[string]string{"c": "jack ", "a": "jack"},
		},
		{
			name: "an unknown name",
			conf: `{"rewrite":[{"do":"by_name","value":"jill","to":"c"}]}`,
			opts: []Option{jack}, vars: map[string]string{"c": "(none)"},
		},
	}
}
