import { type Case, get } from '../traffic.js'

/** Traffic for scanners.rules. */
export const scanners: readonly Case[] = [
  {
    sid: 9009001,
    fire: get('/', { 'User-Agent': 'Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Nikto/2.1.6' }),
  },
  {
    sid: 9009002,
    fire: get('/', { 'User-Agent': 'sqlmap/1.7.2#stable (https://sqlmap.org)' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/sqlmap/' }),
  },
  {
    sid: 9009003,
    fire: get('/', {
      'User-Agent': 'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)',
    }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Nmap Scripting Engine' }),
  },
  {
    sid: 9009004,
    fire: get('/', { 'User-Agent': 'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)' }),
    nearMiss: get('/', { 'User-Agent': 'NucleiPhysicsReader 1' }),
  },
  {
    sid: 9009005,
    fire: get('/', { 'User-Agent': 'httpx - Open-source project (github.com/projectdiscovery/httpx)' }),
    nearMiss: get('/', { 'User-Agent': 'python-httpx/0.27' }),
  },
  {
    sid: 9009006,
    fire: get('/', { 'User-Agent': 'masscan/1.3 (https://github.com/robertdavidgraham/masscan)' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/masscan' }),
  },
  {
    sid: 9009007,
    fire: get('/', { 'User-Agent': 'Mozilla/5.0 zgrab/0.x' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/zgrab/' }),
  },
  {
    sid: 9009008,
    fire: get('/', {
      'User-Agent': 'DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)',
    }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/DirBuster' }),
  },
  {
    sid: 9009009,
    fire: get('/', { 'User-Agent': 'WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/WPScan' }),
  },
  {
    sid: 9009010,
    fire: get('/', { 'User-Agent': 'gobuster/3.6' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/gobuster/' }),
  },
  {
    sid: 9009011,
    fire: get('/', { 'User-Agent': 'feroxbuster/2.10.1' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/feroxbuster/' }),
  },
  {
    sid: 9009012,
    fire: get('/', { 'User-Agent': 'Fuzz Faster U Fool v2.1.0-dev' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Fuzz Faster U Fool' }),
  },
  {
    sid: 9009013,
    fire: get('/', { 'User-Agent': 'Wfuzz/3.1.0' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Wfuzz/' }),
  },
  {
    sid: 9009014,
    fire: get('/', { 'User-Agent': 'WhatWeb/0.5.5' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/WhatWeb/' }),
  },
  {
    sid: 9009015,
    fire: get('/', { 'User-Agent': 'Mozilla/5.0 [en] (X11, U; OpenVAS-VT 22.4)' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/OpenVAS' }),
  },
  {
    sid: 9009016,
    fire: get('/', { 'User-Agent': 'w3af.org' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/w3af.org' }),
  },
  {
    sid: 9009017,
    fire: get('/', { 'User-Agent': 'Arachni/v1.6.1.3' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Arachni/' }),
  },
  {
    sid: 9009018,
    fire: get('/', { 'User-Agent': 'ZmEu' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/ZmEu' }),
  },
  {
    sid: 9009019,
    fire: get('/', { 'User-Agent': 'Mozilla/5.0 Jorgee' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Jorgee' }),
  },
  {
    sid: 9009020,
    fire: get('/', { 'User-Agent': 'Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; SV1) Havij' }),
    nearMiss: get('/', { Referer: 'https://www.example.com/tools/Havij' }),
  },
  {
    sid: 9009021,
    fire: get('/', { 'Acunetix-Aspect': 'enabled' }),
    nearMiss: get('/', { Referer: 'https://www.acunetix.com/' }),
  },
  {
    sid: 9009022,
    fire: get('/?u=http://c23b2la0kl1krjcrdj10cndmnioyyyyyn.oast.pro/'),
    nearMiss: get('/menu/sunday.oast.html'),
  },
  {
    sid: 9009023,
    fire: get('/', { 'X-Forwarded-Host': 'c23b2la0kl1krjcrdj10cndmnioyyyyyn.oast.fun' }),
    nearMiss: get('/', { Host: 'sunday.oast.example' }),
  },
]
